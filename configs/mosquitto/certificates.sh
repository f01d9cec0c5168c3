#!/bin/sh
# A certificate authority for trials and small cities, and certificates from it, with openssl:
#
#   certificates.sh FOLDER broker HOST...      the broker's, for the names or addresses by which it is reached
#   certificates.sh FOLDER client NAME...      one for each cabinet, agent, centre: NAME is the user in access.acl
#
# The authority (ca.pem, ca.key) is made on the first call. Keys are readable by their owner only; a second call for the
# same name makes a new certificate with a new key in the place of the old ones. SVETOFOR_DAYS is how long they hold (90).
set -eu
umask 077

usage() { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 64; }
[ $# -ge 3 ] || usage
folder=$1 kind=$2
shift 2
days=${SVETOFOR_DAYS:-90}
mkdir -p "$folder"

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }

if [ ! -e "$folder/ca.pem" ]; then
    key "$folder/ca.key"
    openssl req -x509 -new -key "$folder/ca.key" -sha256 -days 3650 -subj "/CN=Svetofor authority" \
        -addext "keyUsage=critical,keyCertSign,cRLSign" -out "$folder/ca.pem"
fi

# sign NAME USE ALTERNATIVES: the files appear whole, the key first, so that a reader never sees half of one.
sign() {
    new=$(mktemp -d "$folder/.new.XXXXXX")
    key "$new/key"
    openssl req -new -key "$new/key" -subj "/CN=$1" -out "$new/request"
    printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=%s\n' "$2" \
        > "$new/extensions"
    [ -z "$3" ] || echo "subjectAltName=$3" >> "$new/extensions"
    openssl x509 -req -in "$new/request" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -sha256 -days "$days" \
        -set_serial "0x$(openssl rand -hex 16)" -extfile "$new/extensions" -out "$new/pem" 2>/dev/null
    mv "$new/key" "$folder/$1.key"
    mv "$new/pem" "$folder/$1.pem"
    rm -r "$new"
}

case $kind in
broker)
    names=
    for host in "$@"; do
        case $host in
        *:*) names="$names,IP:$host" ;;
        *[!0-9.]*) names="$names,DNS:$host" ;;
        *) names="$names,IP:$host" ;;
        esac
    done
    sign broker serverAuth "${names#,}"
    ;;
client)
    for name in "$@"; do
        case $name in
        *[/+#\ \"]* | "") echo "certificates.sh: $name: a name has no / + # or blank" >&2; exit 64 ;;
        esac
        sign "$name" clientAuth ""
    done
    ;;
*) usage ;;
esac
