# Rendered by `npm run synth`. Builds run in it.
FROM ghcr.io/astral-sh/uv:0.10.4 AS uv

FROM public.ecr.aws/amazonlinux/amazonlinux:2023.6.20241212.0-minimal
RUN dnf install -y --setopt=install_weak_deps=False shadow-utils \
 && groupadd --gid 1000 cnb \
 && useradd --uid 1000 --gid 1000 --create-home --shell /bin/bash cnb \
 && dnf remove -y shadow-utils \
 && dnf clean all
RUN dnf install -y --setopt=install_weak_deps=False gcc gcc-c++ git make tar gzip \
 && dnf clean all
COPY --from=uv /uv /usr/local/bin/uv
LABEL io.buildpacks.stack.id="io.buildpacks.stacks.luban"
ENV CNB_USER_ID=1000 CNB_GROUP_ID=1000 CNB_STACK_ID="io.buildpacks.stacks.luban"
USER 1000:1000
