#!/bin/sh
# The pictures of the guide: what the browser tests see, in docs/guide/images/LANGUAGE/SCREEN.png.
set -eu
cd "$(dirname "$0")/.."
. make/setup.sh

limit=6000 # KiB, for all pictures together

need_packages pngquant
find docs/guide/images -name '*.png' -delete 2>/dev/null || true
WAYPOST_SCREENSHOTS=yes make/browser.sh
pictures=$(find docs/guide/images -name '*.png')
[ -n "$pictures" ] || fail 'no test has made a picture'
# Eight bits a pixel from a palette; the paths have no blanks.
# shellcheck disable=SC2086
pngquant --force --ext .png --strip --speed 1 64 $pictures
size=$(du -sk docs/guide/images | cut -f1)
say "$(echo "$pictures" | wc -l) pictures, $size KiB"
[ "$size" -le "$limit" ] || fail "more than $limit KiB of pictures"
