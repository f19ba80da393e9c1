# Rendered by `npm run synth`. Applications run in it: no compiler, no package that they do not need, never as root.
FROM public.ecr.aws/amazonlinux/amazonlinux:2023.6.20241212.0-minimal
RUN dnf install -y --setopt=install_weak_deps=False shadow-utils \
 && groupadd --gid 1000 cnb \
 && useradd --uid 1000 --gid 1000 --create-home --shell /bin/bash cnb \
 && dnf remove -y shadow-utils \
 && dnf clean all
LABEL io.buildpacks.stack.id="io.buildpacks.stacks.luban"
ENV CNB_USER_ID=1000 CNB_GROUP_ID=1000 CNB_STACK_ID="io.buildpacks.stacks.luban"
USER 1000:1000
