# Installs what a script needs, by name, when it is missing. Sourced by scripts/test, scripts/bench and scripts/kafka.
# Debian's packages come by apt-get, Kafka's jars by Maven (scripts/kafka), Go modules by go itself.

# need NAME...: each of go, kcat, java, maven, taskset. Returns 1, with advice, if one cannot be had.
need() {
  local name
  for name in "$@"; do
    case $name in
      go) need_go ;;
      java) have java || debian default-jre-headless ;;
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
