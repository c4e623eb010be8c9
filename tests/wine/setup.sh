#!/usr/bin/env bash
# setup.sh DIR: puts a Wine 10 of its own (Debian trixie's packages) into DIR, an
# absolute path that it cannot be moved from afterwards. The host's packages stay
# as they are: no chroot, no mounts, an apt state of its own. Needs apt-get,
# dpkg-deb, patchelf and strip; root only for what apt-get wants of it.
set -euo pipefail

target=$1
[ -x "$target/bin/wine" ] && exit 0

# Trixie is taken from wherever this machine gets its Debian.
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' \
  'Created-By: Packages' 'Label: Debian' 2>/dev/null |
  grep -v security | head -n 1 || true)}
mirror=${mirror:-http://deb.debian.org/debian}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{state/lists/partial,cache/archives/partial,deb,root}
: >"$work/state/status"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keyring] ${mirror%/} trixie main" >"$work/sources.list"

apt=(apt-get -qq
  -o "Dir::State=$work/state" -o "Dir::State::status=$work/state/status"
  -o "Dir::Cache=$work/cache" -o "Dir::Etc::sourcelist=$work/sources.list"
  -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferences=/dev/null
  -o Dir::Etc::preferencesparts=/dev/null -o APT::Architecture=amd64
  -o APT::Sandbox::User=root -o Acquire::Retries=3 -o Acquire::Languages=none)
"${apt[@]}" update
# Wine with trixie's libc, and FreeType with all it needs: without FreeType every
# start prints a warning, and FreeType without fontconfig hangs wineboot.
(
  cd "$work/deb"
  "${apt[@]}" download libwine wine64 libc6 libunwind8 liblzma5 libz-mingw-w64 \
    libfreetype6 libfontconfig1 libexpat1 libpng16-16t64 zlib1g libbrotli1 libbz2-1.0
)

root=$work/root
lib=usr/lib/x86_64-linux-gnu
for package in "$work"/deb/*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$root" \
    --exclude='./usr/share/doc*' --exclude='./usr/share/man*' \
    --exclude='*/i386-windows*' --exclude='./usr/share/locale*' \
    --exclude='./usr/lib/x86_64-linux-gnu/gconv*'
done

# wineboot copies all DLLs into each prefix, so the 480 MB of debug information
# in them go first. "--strip-debug" keeps the mark of Wine's own DLLs.
find "$root/$lib/wine/x86_64-windows" -type f -size +64k -print0 |
  xargs -0 -n 40 -P "$(nproc)" strip --strip-debug 2>/dev/null || true

# Trixie's programs need trixie's loader and libc, which the host may not have.
for program in wine64 wineserver64; do
  patchelf --set-interpreter "$target/$lib/ld-linux-x86-64.so.2" \
    --force-rpath --set-rpath "$target/$lib" "$root/usr/lib/wine/$program"
done
# The preloader would start wine64 with the host's loader.
rm -f "$root/usr/lib/wine/wine64-preloader"

# With -p0 the server ends with its last client. Lingering, it would still be
# ending when the next start wants it.
cat >"$root/usr/lib/wine/wineserver" <<EOF
#!/bin/sh
exec $target/usr/lib/wine/wineserver64 -p0 "\$@"
EOF
chmod +x "$root/usr/lib/wine/wineserver"
# The server looks for its tables under this name.
ln -s . "$root/usr/share/wine/wine"

mkdir -p "$root/bin" "$root/etc"
echo '<fontconfig></fontconfig>' >"$root/etc/fonts.conf"
# A new prefix needs zlib1.dll, which Wine's own DLLs import, before wineboot.
cat >"$root/bin/wine" <<EOF
#!/bin/sh
: "\${WINEPREFIX:=\$HOME/.wine}"
export WINEPREFIX
[ -e /etc/fonts/fonts.conf ] || export FONTCONFIG_FILE=$target/etc/fonts.conf
system=\$WINEPREFIX/drive_c/windows/system32
if [ ! -e "\$system/zlib1.dll" ]; then
  mkdir -p "\$system"
  cp $target/usr/x86_64-w64-mingw32/lib/zlib1.dll "\$system/"
fi
exec $target/usr/lib/wine/wine64 "\$@"
EOF
chmod +x "$root/bin/wine"
ln -s ../usr/lib/wine/wineserver64 "$root/bin/wineserver"

mkdir -p "$(dirname "$target")"
rm -rf "$target"
mv "$root" "$target"
