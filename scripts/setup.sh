# Installs what a script needs, by name, when it is missing. Sourced by scripts/test, scripts/bench and scripts/kafka.
# Debian's packages come by apt-get; Go, when missing or too old, from go.dev; Kafka's jars by Maven (scripts/kafka).

go_release=1.26.8

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

# need_go takes the Go on the path when it is 1.21 or newer (which fetches the release that go.mod asks for by itself);
# otherwise it unpacks one under ~/.cache/tailrace.
need_go() {
  local home=$HOME/.cache/tailrace/go-$go_release arch
  [ -x "$home/bin/go" ] && PATH=$home/bin:$PATH
  have go && [ "$(go env GOVERSION | sed -E 's/^go1\.([0-9]+).*/\1/')" -ge 21 ] && return
  case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) return 1 ;; esac
  echo "downloading Go $go_release" >&2
  have curl || debian curl || return 1
  mkdir -p "$home" &&
    curl -fsSL "https://go.dev/dl/go$go_release.linux-$arch.tar.gz" | tar -xz -C "$home" --strip-components=1 &&
    PATH=$home/bin:$PATH
}
