#!/usr/bin/env bash
# Drives the same on x86-64 and, under qemu, on aarch64: simulator, localization, lidar, tracking, planning, control and gate,
# without networks. The digests must be equal. Says "skipped" where the tools are not there; `--install` fetches them (Debian, as
# root: the cross compiler into the system, compiler and emulator into the cache).
#
#   tests/aarch64/compare.sh [--install] [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/../.."

cache="${AURIGA_AARCH64:-$HOME/.cache/auriga-aarch64}"
tools="$cache/tools"
version=1.96 # of Debian's rustc-web; apt has to offer it

install() {
    mkdir -p "$cache/packages" "$tools"
    dpkg --add-architecture arm64
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm-backports main" \
        >/etc/apt/sources.list.d/bookworm-backports.list
    apt-get update
    apt-get install -y --no-install-recommends gcc-aarch64-linux-gnu g++-aarch64-linux-gnu
    # Unpacked beside the system: rustup has no aarch64 target to offer here, and Debian's own qemu is too old.
    (cd "$cache/packages" && apt-get download rustc-web "libstd-rust-web-$version" libllvm22 \
        libstd-rust-web-dev libstd-rust-web-dev:arm64 qemu-user/bookworm-backports)
    for package in "$cache"/packages/*.deb; do dpkg -x "$package" "$tools"; done
}

if [ "${1:-}" = --install ]; then
    install
    shift
fi
seconds="${1:-3}"

for need in "$tools/usr/bin/rustc" "$tools/usr/bin/qemu-aarch64"; do
    [ -x "$need" ] || { echo "skipped: $need is not there; --install fetches it"; exit 0; }
done
command -v aarch64-linux-gnu-gcc >/dev/null || { echo "skipped: no aarch64-linux-gnu-gcc; --install fetches it"; exit 0; }

# The binaries are of different compilers (this toolchain's and Debian's): the language promises the same arithmetic.
export CARGO_INCREMENTAL=0
CARGO_TARGET_DIR="$cache/x86_64" cargo build --release --locked --no-default-features --bin auriga
(
    cargo="$(rustup which cargo 2>/dev/null || command -v cargo)"
    export RUSTC="$tools/usr/bin/rustc" LD_LIBRARY_PATH="$tools/usr/lib/x86_64-linux-gnu" CARGO_TARGET_DIR="$cache/aarch64"
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc CXX_aarch64_unknown_linux_gnu=aarch64-linux-gnu-g++
    export AR_aarch64_unknown_linux_gnu=aarch64-linux-gnu-ar
    "$cargo" build --release --locked --no-default-features --bin auriga --target aarch64-unknown-linux-gnu
)

# Otherwise the program would start itself again with this set, which an emulator does not follow.
export ORT_DISABLE_TELEMETRY=1
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
drive() {
    local name="$1"
    shift
    # Exit status 1 is a drive that did not arrive.
    "$@" drive --scenario configs/scenarios/short.toml --models configs/models/none.toml --no-rrd --duration "$seconds" \
        --out "$work/$name" >"$work/$name.log" 2>&1 || [ $? -eq 1 ] || { cat "$work/$name.log"; return 1; }
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["digest"])' "$work/$name/report.json"
}
here="$(drive x86_64 "$cache/x86_64/release/auriga")"
there="$(drive aarch64 "$tools/usr/bin/qemu-aarch64" -cpu cortex-a76 -L /usr/aarch64-linux-gnu \
    "$cache/aarch64/aarch64-unknown-linux-gnu/release/auriga")"
echo "x86-64   $here"
echo "aarch64  $there"
if [ "$here" != "$there" ]; then
    "$cache/x86_64/release/auriga" diverge "$work/x86_64/recording.mcap" "$work/aarch64/recording.mcap" || true
    exit 1
fi
echo "$seconds s: equal to the byte"
