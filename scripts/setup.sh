# Installs what a script needs, by name, when it is missing. Sourced by scripts/test, scripts/bench and scripts/kafka.
# Debian's packages come by apt-get, Kafka's jars by Maven (scripts/kafka), Go modules by go itself, client libraries of
# other languages by pip, npm and cargo.

# need NAME...: each of go, gcc, kcat, java, javac, maven, taskset, python, node, npm, cargo, g++, make,
# librdkafka (for C). Returns 1, with advice, if one cannot be had.
need() {
  local name
  for name in "$@"; do
    case $name in
      go) need_go ;;
      java) have java || debian default-jre-headless ;;
      javac) have javac || debian default-jdk-headless ;;
      python) python3 -c 'import ensurepip, venv' 2>/dev/null || debian python3-venv ;;
      node) have node || debian nodejs ;;
      cargo) need_cargo ;;
      librdkafka) [ -f /usr/include/librdkafka/rdkafka.h ] || debian librdkafka-dev ;;
      maven) have mvn || debian maven ;;
      taskset) have taskset || debian util-linux ;;
      *) have "$name" || debian "$name" ;;
    esac || { echo "$name is needed and could not be installed" >&2; return 1; }
  done
}

have() { command -v "$1" >/dev/null 2>&1; }

debian() {
  local sudo=()
  [ "$(id -u)" = 0 ] || sudo=(sudo -n)
  have apt-get || { echo "no apt-get here: install $1 by hand" >&2; return 1; }
  echo "installing the Debian package $1" >&2
  "${sudo[@]}" apt-get install -y -q "$1" >/dev/null 2>&1 && return
  "${sudo[@]}" apt-get update -q >/dev/null && "${sudo[@]}" apt-get install -y -q "$1" >/dev/null
}

# need_go takes the Go on the path when it is 1.21 or newer (which fetches the release that go.mod asks for by itself),
# and Debian's golang otherwise, where that is new enough.
need_go() {
  new_enough && return
  debian golang && new_enough && return
  echo "Go 1.21 or newer is needed: install it and put it on the path" >&2
  return 1
}

new_enough() { have go && [ "$(go env GOVERSION | sed -E 's/^go1\.([0-9]+).*/\1/')" -ge 21 ]; }

# need_cargo takes the Rust on the path, and Debian's otherwise, where that is new enough.
need_cargo() {
  rust_enough && return
  debian cargo && rust_enough && return
  echo "Rust 1.85 or newer is needed: install it and put it on the path" >&2
  return 1
}

rust_enough() { have cargo && [ "$(cargo --version | sed -E 's/^cargo 1\.([0-9]+).*/\1/')" -ge 85 ]; }

# libraries python|node|rust|java|c: installs the client libraries that scripts/realclients/drivers pins for a language,
# builds what is to be built, all under ~/.cache/tailrace-clients, and prints what starts a driver there: a Python, a
# directory of Node modules, a program, a class path, nothing. It may take minutes at first, and next to nothing later.
libraries() {
  local scripts drivers cache=$HOME/.cache/tailrace-clients dir
  scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  drivers=$scripts/realclients/drivers
  mkdir -p "$cache"
  case $1 in
    python)
      need python && dir=$cache/python-$(pins "$drivers/python/requirements.txt") || return
      [ -f "$dir/complete" ] ||
        { python3 -m venv "$dir" && "$dir/bin/pip" install -q -r "$drivers/python/requirements.txt" >&2; } || return
      touch "$dir/complete"
      echo "$dir/bin/python"
      ;;
    node)
      need node npm && dir=$cache/node-$(pins "$drivers/node/package-lock.json") || return
      mkdir -p "$dir" && cp "$drivers"/node/package*.json "$dir" || return
      [ -f "$dir/complete" ] || npm --prefix "$dir" ci --ignore-scripts --no-audit --no-fund >&2 || return
      touch "$dir/complete"
      echo "$dir/node_modules"
      ;;
    rust)
      need cargo g++ make || return
      CARGO_TARGET_DIR=$cache/rust cargo build -q --release --locked --manifest-path "$drivers/rust/Cargo.toml" || return
      echo "$cache/rust/release/rdkafka-driver"
      ;;
    java)
      need javac && dir=$("$scripts/kafka" jars) || return
      mkdir -p "$cache/java" && javac -d "$cache/java" -cp "$dir" "$drivers"/java/*.java || return
      echo "$cache/java:$dir"
      ;;
    c) need gcc librdkafka ;;
  esac
}

# pins is a short name for what a file pins.
pins() { sha256sum "$1" | cut -c1-12; }
