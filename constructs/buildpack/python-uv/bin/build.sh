#!/usr/bin/env bash
# Installs Python and the locked dependencies into layers, and says how the application starts.
set -euo pipefail

layers=${CNB_LAYERS_DIR:-${1:?the layers folder}}
buildpack=${CNB_BUILDPACK_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
python_layer=$layers/python
venv_layer=$layers/venv
cache_layer=$layers/cache

fail() {
  echo "python-uv: $1" >&2
  exit 1
}

command -v uv >/dev/null || fail "uv is not in the build image"
mkdir -p "$python_layer" "$venv_layer" "$cache_layer"

cat >"$layers/python.toml" <<TOML
[types]
launch = true
cache = true
TOML
cat >"$layers/venv.toml" <<TOML
[types]
launch = true
cache = true
TOML
cat >"$layers/cache.toml" <<TOML
[types]
cache = true
TOML

# Nothing of the user's own, and no interpreter that the run image would lack.
export UV_CACHE_DIR=$cache_layer UV_LINK_MODE=copy UV_NO_CONFIG=1
export UV_PYTHON_INSTALL_DIR=$python_layer UV_PYTHON_PREFERENCE=only-managed
export UV_PROJECT_ENVIRONMENT=$venv_layer UV_COMPILE_BYTECODE=1

# With .python-version: that version. Without: the newest that pyproject.toml allows.
if [[ -f .python-version ]]; then
  echo "python-uv: Python as .python-version says"
  uv python install
fi

# --frozen: the lock decides, and is not even looked at critically; --no-dev: tests stay out of the image.
echo "python-uv: installing what uv.lock says"
uv sync --frozen --no-dev

python=$venv_layer/bin/python
[[ -x $python ]] || fail "uv made no environment in $venv_layer"

# What is really installed, for the image's bill of materials.
"$python" "$buildpack/bin/sbom.py" >"$layers/venv.sbom.cdx.json"
cp "$layers/venv.sbom.cdx.json" "$layers/launch.sbom.cdx.json"

mkdir -p "$venv_layer/env.launch"
printf '%s' "$venv_layer/bin" >"$venv_layer/env.launch/PATH.prepend"
printf ':' >"$venv_layer/env.launch/PATH.delim"
printf '1' >"$venv_layer/env.launch/PYTHONUNBUFFERED.override"
printf '1' >"$venv_layer/env.launch/PYTHONDONTWRITEBYTECODE.override"

# One line of TOML text.
toml_text() {
  local text=${1//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

process() {
  local type=$1 command=$2 default=$3
  cat >>"$layers/launch.toml" <<TOML
[[processes]]
type = $(toml_text "$type")
command = ["bash", "-c"]
args = [$(toml_text "exec $command")]
default = $default

TOML
}

: >"$layers/launch.toml"
if [[ -f Procfile ]]; then
  default=true
  while IFS= read -r line || [[ -n $line ]]; do
    [[ $line =~ ^[[:space:]]*(#|$) ]] && continue
    [[ $line =~ ^([A-Za-z0-9_-]+):[[:space:]]*(.+)$ ]] || fail "Procfile: \"$line\" is no \"NAME: COMMAND\""
    process "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "$default"
    default=false
  done <Procfile
elif [[ -f main.py ]]; then
  process web "python main.py" true
else
  fail "no Procfile and no main.py; add a Procfile with a line \"web: COMMAND\""
fi
