# shellcheck shell=bash
# The packages of Debian 12 that ouro is built and checked with: the one list.
# Sourced by tools/run and tools/check.

# What every build needs.
# shellcheck disable=SC2034
BUILD_PACKAGES=(gcc libc6-dev make cmake pkg-config liburing-dev libcmocka-dev
    python3)

# What the stages of tools/check need besides; one that is missing is skipped.
# shellcheck disable=SC2034
CHECK_PACKAGES=(g++ clang libclang-rt-dev clang-format clang-tidy valgrind
    gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user git netcat-openbsd gdb
    libuv1-dev libevent-dev libhttp-parser-dev libboost-fiber-dev
    python3-uvloop curl wrk apache2-utils nghttp2-client nginx-light)

# 160 MB for one test, which looks at a page: by itself, so that who cannot have
# it has the others.
# shellcheck disable=SC2034
BROWSER_PACKAGES=(chromium)

# Those of the packages named that are not installed, one a line.
missing_packages() {
    local package
    for package in "$@"; do
        case $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) echo "$package" ;;
        esac
    done
}

# Install what is missing of the packages named.  Fails, with a message, where
# that cannot be done; touches no network where nothing is missing.
install_packages() {
    local missing root=()

    if ! command -v dpkg-query >/dev/null; then
        echo "This is no Debian: be sure to have what Debian calls $*." >&2
        return 0
    fi
    mapfile -t missing < <(missing_packages "$@")
    if [ ${#missing[@]} -eq 0 ]; then
        return 0
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "These packages are missing: ${missing[*]}" >&2
            echo "You are not root, and there is no sudo.  Let root say:" \
                "apt-get install ${missing[*]}" >&2
            return 1
        fi
        root=(sudo)
    fi
    echo "installing ${missing[*]}"
    mkdir -p build
    if ! {
        "${root[@]}" apt-get update \
            && "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
                apt-get -o DPkg::Lock::Timeout=120 \
                install -y --no-install-recommends "${missing[@]}"
    } >build/packages.log 2>&1 </dev/null; then
        tail -n 5 build/packages.log >&2
        echo "These packages could not be installed: ${missing[*]}" >&2
        return 1
    fi
}
