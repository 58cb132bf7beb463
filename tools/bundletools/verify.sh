#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Checks an exported evidence bundle with gpg, openssl and tpm2-tools alone, offline.
#
# All it goes by is manifest.cbor, which the seals sign: roles, digests, references, what the TPM had to
# repeat. It reads that, COSE and TPM structures itself (od and awk), so that nothing which was worked out by
# whoever made the export is believed. It is the same script for every bundle.

set -u
LC_ALL=C
export LC_ALL
umask 077

usage() {
	cat <<'END'
usage: sh verify.sh [--dir DIRECTORY] [--openpgp FINGERPRINT]... [--piv-sha256 HEX]... [--anchor FILE]...

  --openpgp FINGERPRINT  an OpenPGP key that must have sealed
  --piv-sha256 HEX       SHA-256 of an X.509 certificate (DER) that must have sealed
  --anchor FILE          a TPM manufacturer's certificate, PEM or DER
  --dir DIRECTORY        the export; default: where this script lies

Exit codes: 0 passed, 1 failed, 2 usage, 3 something could not be decided.
END
}

wrong() {
	printf 'error: %s\n' "$1" >&2
	exit 2
}

dir=$(dirname -- "$0")
openpgp_pins='' piv_pins='' anchors=''
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage && exit 0 ;;
	--dir | --openpgp | --piv-sha256 | --anchor) [ $# -gt 1 ] || wrong "$1 needs a value" ;;
	*) usage >&2 && wrong "there is no option $1" ;;
	esac
	plain=$(printf '%s' "$2" | tr -d ' :' | tr 'A-F' 'a-f')
	case $1 in
	--dir) dir=$2 ;;
	--openpgp)
		case $plain in *[!0-9a-f]* | '') wrong "$2 is no fingerprint" ;; esac
		[ ${#plain} -eq 40 ] || [ ${#plain} -eq 64 ] || wrong "$2 is no fingerprint"
		openpgp_pins="$openpgp_pins $plain"
		;;
	--piv-sha256)
		case $plain in *[!0-9a-f]* | '') wrong "$2 is no SHA-256 digest" ;; esac
		[ ${#plain} -eq 64 ] || wrong "$2 is no SHA-256 digest"
		piv_pins="$piv_pins $plain"
		;;
	--anchor)
		anchors=1
		[ -r "$2" ] || wrong "$2 cannot be read"
		if grep -q -e '-----BEGIN CERTIFICATE-----' "$2"; then
			cat "$2" >>"$work/anchors.pem"
		elif command -v openssl >/dev/null; then
			openssl x509 -inform DER -in "$2" >>"$work/anchors.pem" 2>/dev/null || wrong "$2 is no certificate"
		fi
		;;
	esac
	shift 2
done
cd -- "$dir" || exit 2
[ -f manifest.cbor ] || wrong "there is no manifest.cbor in $dir"

passed=0 failed=0 undecided=0
pass() { passed=1 && printf 'passed     %s\n' "$1"; }
fail() { failed=1 && printf 'FAILED     %s\n' "$1"; }
unsure() { undecided=1 && printf 'undecided  %s\n' "$1"; }
note() { printf 'note       %s\n' "$1"; }
have() { command -v "$1" >/dev/null 2>&1; }

# --- bytes -------------------------------------------------------------------------------------------

hex() { od -An -v -tx1 "$1" | tr -d ' \n'; }

unhex() {
	octal=$(printf '%s\n' "$1" | awk -v digits=0123456789abcdef '{
		for (i = 1; i < length($0); i += 2)
			printf "\\%03o", (index(digits, substr($0, i, 1)) - 1) * 16 + index(digits, substr($0, i + 1, 1)) - 1 }')
	# shellcheck disable=SC2059 # octal escapes and nothing else
	printf "$octal"
}

# by the number that COSE or TPM 2.0 has for it
hash_name() {
	case $1 in
	-16 | 000b) echo sha256 ;;
	-43 | 000c) echo sha384 ;;
	-44 | 000d) echo sha512 ;;
	0004) echo sha1 ;;
	*) return 1 ;;
	esac
}

# digest NAME < data
digest() {
	if have "$1sum"; then
		"$1sum" | cut -d' ' -f1
	else
		openssl dgst "-$1" -r | cut -d' ' -f1
	fi
}

# CBOR as lines: path, kind (i number, b bytes, t text, a array, m map, s simple), value
# shellcheck disable=SC2016 # awk's own variables
CBOR='
function head(    info, size) {
	major = int(N[B[p]] / 32); info = N[B[p]] % 32; p++
	if (info < 24) { number = info; return }
	if (info > 27) { bad = 1; return }
	number = 0
	for (size = 2 ^ (info - 24); size > 0; size--) { if (p >= n) bad = 1; number = number * 256 + N[B[p++]] }
	if (number < (info == 24 ? 24 : 2 ^ (8 * 2 ^ (info - 25)))) bad = 1 # not the shortest form
}
function octets(size,    found) {
	if (p + size > n) { bad = 1; return "" }
	for (; size > 0; size--) found = found B[p++]
	return found
}
function text(size, safe,    found, raw, plain) {
	if (p + size > n) { bad = 1; return "" }
	for (plain = 1; size > 0; size--) { raw = raw B[p]; if (B[p] in C) found = found C[B[p]]; else plain = 0; p++ }
	return plain && (!safe || found ~ /^[A-Za-z0-9._-]+$/) ? found : "?" raw
}
function key() {
	head()
	if (major == 0) return sprintf("%.0f", number)
	if (major == 1) return sprintf("%.0f", -1 - number)
	if (major == 3) return text(number, 1)
	bad = 1
}
function out(path, kind, value) { if (path in seen) bad = 1; seen[path]; printf "%s\t%s\t%s\n", path, kind, value }
function pairs(path, count, depth,    i, j, start, of, raw, last) {
	for (i = 0; i < count && !bad; i++) {
		start = p; of = key(); raw = "x"
		for (j = start; j < p; j++) raw = raw B[j]
		if (i && raw <= last) bad = 1 # keys ascend
		last = raw
		item(path "/" of, depth)
	}
}
function item(path, depth,    m, k, i) {
	if (bad || p >= n || depth > 16) { bad = 1; return }
	head(); m = major; k = number
	if (m == 0) out(path, "i", sprintf("%.0f", k))
	else if (m == 1) out(path, "i", sprintf("%.0f", -1 - k))
	else if (m == 2) out(path, "b", octets(k))
	else if (m == 3) out(path, "t", text(k, 0))
	else if (m == 4) { out(path, "a", k); for (i = 0; i < k && !bad; i++) item(path "/" i, depth + 1) }
	else if (m == 5) { out(path, "m", k); pairs(path, k, depth + 1) }
	else if (m == 6) { print "/tag\ti\t" k; item(path, depth + 1) }
	else out(path, "s", k)
}
BEGIN {
	for (i = 0; i < 256; i++) N[sprintf("%02x", i)] = i
	for (i = 32; i < 127; i++) C[sprintf("%02x", i)] = sprintf("%c", i)
}
{ for (i = 1; i <= NF; i++) B[n++] = $i }
END { p = 0; item("", 0); exit (bad || p != n) }
'

# TPM structures as lines: what, value. `what` is attest, public or signature.
# shellcheck disable=SC2016 # awk's own variables
TPM='
function take(size,    found) {
	if (at + 2 * size - 1 > length(all)) { bad = 1; return "" }
	found = substr(all, at, 2 * size); at += 2 * size; return found
}
function value(digits,    found, i) {
	for (i = 1; i <= length(digits); i++) found = found * 16 + index("0123456789abcdef", substr(digits, i, 1)) - 1
	return found + 0
}
function sized() { return take(value(take(2))) }
function tlv(tag, body,    size) {
	size = length(body) / 2
	if (size < 128) return tag sprintf("%02x", size) body
	if (size < 256) return tag "81" sprintf("%02x", size) body
	return tag "82" sprintf("%04x", size) body
}
function integer(digits) {
	while (length(digits) > 2 && substr(digits, 1, 2) == "00") digits = substr(digits, 3)
	return tlv("02", (value(substr(digits, 1, 2)) > 127 ? "00" : "") digits)
}
function padded(digits, size) { while (length(digits) < 2 * size) digits = "00" digits; return digits }
function selections(    count, bank, bits, i, j) {
	for (count = value(take(4)); count > 0 && !bad; count--) {
		bank = value(take(2)); bits = take(value(take(1)))
		for (i = 0; i < length(bits) / 2; i++) for (j = 0; j < 8; j++)
			if (int(value(substr(bits, 2 * i + 1, 2)) / 2 ^ j) % 2) print "pcr", bank "/" i * 8 + j
	}
}
function attest(    kind) {
	print "magic", take(4); kind = take(2); print "type", kind
	print "signer", sized(); print "extra", sized()
	take(25)
	if (kind == "8018") { selections(); print "digest", sized() }
	else if (kind == "8017") { print "name", sized(); print "qualified", sized() }
	else if (kind == "801a") { print "name", sized(); print "creation", sized() }
	else at = length(all) + 1
}
function scheme(    found) {
	found = take(2); print "scheme", found
	if (found != "0010") print "hash", take(2)
}
function public(    kind, curve, x, size, e) {
	kind = take(2); print "namealg", take(2); print "attributes", value(take(4)); sized()
	if (kind != "0001" && kind != "0023") { bad = 1; return }
	if (take(2) != "0010") take(4)
	scheme()
	if (kind == "0001") {
		print "bits", value(take(2)); e = take(4); if (e == "00000000") e = "00010001"
		print "spki", tlv("30", "300d06092a864886f70d0101010500" tlv("03", "00" tlv("30", integer(sized()) integer(e))))
		return
	}
	curve = take(2); if (take(2) != "0010") take(2)
	size = curve == "0003" ? 32 : curve == "0004" ? 48 : curve == "0005" ? 66 : 0
	if (!size) { bad = 1; return }
	x = padded(sized(), size)
	print "bits", curve == "0005" ? 521 : 8 * size
	print "spki", tlv("30", (curve == "0003" ? "301306072a8648ce3d020106082a8648ce3d030107" : \
		curve == "0004" ? "301006072a8648ce3d020106052b81040022" : "301006072a8648ce3d020106052b81040023") \
		tlv("03", "0004" x padded(sized(), size)))
}
function signature(    kind, r) {
	kind = take(2); print "scheme", kind; print "hash", take(2)
	if (kind == "0014" || kind == "0016") print "plain", sized()
	else if (kind == "0018") { r = integer(sized()); print "plain", tlv("30", r integer(sized())) }
	else bad = 1
}
{ all = all $0 }
END {
	at = 1
	if (what == "attest") attest(); else if (what == "public") public(); else signature()
	exit (bad || at != length(all) + 1)
}
'

cbor() { od -An -v -tx1 "$1" | awk "$CBOR"; }
tpm() { hex "$2" | awk -v what="$1" "$TPM"; }
# get FILE PATH KIND: the value there; of_tpm FILE WHAT
get() { awk -F'\t' -v path="$2" -v kind="$3" '$1 == path && $2 == kind { print $3 }' "$1"; }
of_tpm() { awk -v what="$2" '$1 == what { print $2 }' "$1"; }

# --- the manifest -------------------------------------------------------------------------------------

end() {
	if [ $failed -eq 1 ]; then
		echo 'verdict: FAILED'
		exit 1
	elif [ $undecided -eq 1 ] || [ $passed -eq 0 ]; then
		echo 'verdict: INDETERMINATE'
		exit 3
	fi
	echo 'verdict: PASSED, as far as this script checks'
	exit 0
}

if ! have sha256sum && ! have openssl; then
	unsure 'neither sha256sum nor openssl is installed: nothing can be checked'
	end
fi

# a file that was damaged on its way; this proves nothing against whoever can write SHA256SUMS
if [ -f SHA256SUMS ]; then
	while read -r sum name; do
		case $name in /* | ../* | */../* | */.. | '') fail "SHA256SUMS: a line that names no file" && continue ;; esac
		if [ ! -f "$name" ]; then
			fail "$name is missing"
		elif [ "$(digest sha256 <"$name")" != "$sum" ]; then
			fail "$name is not the file of SHA256SUMS"
		fi
	done <SHA256SUMS
else
	fail 'SHA256SUMS is missing'
fi

manifest=$work/manifest
if ! cbor manifest.cbor >"$manifest"; then
	fail 'manifest.cbor cannot be read'
	end
fi
labels=$(awk -F'\t' '$1 ~ /^\/items\/[^\/]+$/ && $2 == "m" { print substr($1, 8) }' "$manifest" | sort)
for label in $labels; do
	case $label in *[!a-z0-9._-]* | [!a-z0-9]* | *[!a-z0-9])
		fail 'manifest.cbor has something that is no label'
		end
		;;
	esac
done
created=$(get "$manifest" /created i)

# file LABEL ROLE TYPE: where the artifact lies
file() {
	case ${1%%.*} in con | prn | aux | nul | com[0-9] | lpt[0-9]) stem=_$1 ;; *) stem=$1 ;; esac
	case $2/$3 in
	openpgp-certificate/*) kind=pgp ;;
	cross-signature/*) kind=sig ;;
	ek-public/* | ak-public/* | key-public/* | parent-public/* | ak-template/*) kind=tpmt ;;
	ak-name/* | key-name/*) kind=name ;;
	quote/* | certify/* | certify-creation/* | time/* | nv-certify/*) kind=attest ;;
	tpm-signature/*) kind=tss ;;
	creation-data/*) kind=creation ;;
	creation-ticket/*) kind=ticket ;;
	pcr-values/* | credential-activation/*) kind=cbor ;;
	firmware-log/* | ima-log/* | userspace-log/*) kind=log ;;
	crl/*) kind=crl ;;
	ocsp/*) kind=ocsp ;;
	openpgp-attestation/* | piv-attestation/* | attestation-issuer/* | certificate-issuer/*) kind=der ;;
	piv-certificate/* | cross-certificate/* | tpm-binding-certificate/* | ek-certificate/* | ak-certificate/*) kind=der ;;
	*/application/json) kind=json ;;
	*/application/pdf) kind=pdf ;;
	*/image/jpeg) kind=jpg ;;
	*/image/png) kind=png ;;
	*/text/plain) kind=txt ;;
	*/video/mp4) kind=mp4 ;;
	*) kind=bin ;;
	esac
}

# tables that the shell reads without starting a program: label, file, role; label, reference, target
awk -F'\t' '
	$1 ~ /^\/items\/[^\/]+\/(role|type)$/ && $2 == "t" { split($1, of, "/"); found[of[3] "/" of[4]] = $3 }
	END { for (each in found) if (each ~ /\/role$/) { label = substr(each, 1, length(each) - 5); print label "\t" found[each] "\t" found[label "/type"] } }
' "$manifest" | sort | while IFS='	' read -r label is type; do
	file "$label" "$is" "$type"
	printf '%s\titems/%s.%s\t%s\n' "$label" "$stem" "$kind" "$is"
done >"$work/items"
awk -F'\t' '
	$1 ~ /^\/items\/[^\/]+\/refs\// && $2 == "t" && $3 ~ /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/ { split($1, of, "/"); print of[3] "\t" of[5] "\t" $3 }
' "$manifest" >"$work/refs"
role() { while IFS='	' read -r l f t; do [ "$l" != "$1" ] || { echo "$t" && return; }; done <"$work/items"; }
file_of() { while IFS='	' read -r l f t; do [ "$l" != "$1" ] || { echo "$f" && return; }; done <"$work/items"; }
with_role() { while IFS='	' read -r l f t; do [ "$t" != "$1" ] || echo "$l"; done <"$work/items"; }
# refs LABEL NAME: the labels that a reference names
refs() { while IFS='	' read -r l f t; do [ "$l/$f" != "$1/$2" ] || echo "$t"; done <"$work/refs"; }
# referring ROLE NAME LABEL: the items of a role whose reference names LABEL
referring() { while IFS='	' read -r l f t; do [ "$f/$t" != "$2/$3" ] || [ "$(role "$l")" != "$1" ] || echo "$l"; done <"$work/refs"; }

count=0
for label in $labels; do
	file=$(file_of "$label") name=$(hash_name "$(get "$manifest" "/items/$label/digest/0" i)")
	if [ ! -f "$file" ]; then
		case $(role "$label") in
		ak-template | minutes | media) note "$label is withheld or detached" ;;
		*) unsure "$label is not here: withheld, or missing" ;;
		esac
	elif [ "$(digest "$name" <"$file")" != "$(get "$manifest" "/items/$label/digest/1" b)" ]; then
		fail "$file does not have the digest that was sealed"
		: >"$work/exchanged.$label"
	else
		count=$((count + 1))
	fi
done
[ $count -eq 0 ] || pass "$count artifacts have the digest that the manifest names"
# here LABEL: the artifact is there and is the one that was sealed
here() { [ -n "$1" ] && [ -f "$(file_of "$1")" ] && [ ! -f "$work/exchanged.$1" ]; }

# --- the seals ----------------------------------------------------------------------------------------

: >"$work/sealed" # lines: label or -, identity
doubt=0

# why a COSE seal does not hold; nothing if it does. Leaves the signer in $label and $identity.
cose() {
	cbor "$1" >"$work/cose" && [ "$(get "$work/cose" /tag i)" = 18 ] || { echo 'it is no COSE_Sign1' && return; }
	protected=$(get "$work/cose" /0 b) payload=$(get "$work/cose" /2 b) signature=$(get "$work/cose" /3 b)
	unhex "$protected" >"$work/protected"
	cbor "$work/protected" >"$work/header" || { echo 'its header cannot be read' && return; }
	awk -F'\t' '
		NR == FNR { if ($1 ~ /^\/[^\/]+$/) protected["/1" $1]; next }
		$1 in protected || $1 ~ /^\/1\/(2|3|258)($|\/)/ { bad = 1 }
		END { exit !bad }' "$work/header" "$work/cose" && echo 'its unprotected header has what must be protected' && return
	algorithm=$(get "$work/header" /258 i)
	[ "$(get "$work/header" /16 t)" = application/vnd.evidence-bundle.seal+cose ] || { echo 'typ is not that of a seal' && return; }
	[ "$(get "$work/header" /259 t)" = application/vnd.evidence-bundle.manifest+cbor ] || { echo 'it is not over a manifest' && return; }
	[ "$(get "$work/header" /2 a)/$(get "$work/header" /2/0 i)/$(get "$work/header" /2/1 i)" = 2/16/258 ] || { echo 'crit is not [16, 258]' && return; }
	grep -q '^/3	' "$work/header" && echo 'it has a content type' && return
	name=$(hash_name "$algorithm") && [ "$algorithm" -lt 0 ] || { echo 'its hash algorithm is not accepted' && return; }
	[ "$payload" = "$(digest "$name" <manifest.cbor)" ] || { echo 'it is over another manifest' && return; }
	issued=$(get "$work/header" /15/6 i)
	case $issued in '' | -*) echo 'it does not say when it was made' && return ;; esac
	[ -n "$(get "$work/header" /15/1 t)" ] && [ -n "$(get "$work/header" /15/2 t)" ] || { echo 'it does not say who sealed what' && return; }
	identity='' label=-
	x5t=$(get "$work/header" /34/1 b) kid=$(get "$work/header" /4 b)
	if [ -n "$x5t" ] && [ -z "$kid" ] && [ "$(get "$work/header" /34/0 i)" = -16 ]; then
		for each in $(with_role piv-certificate); do
			here "$each" && [ "$(digest sha256 <"$(file_of "$each")")" = "$x5t" ] && label=$each identity=$x5t && cp "$(file_of "$each")" "$work/signer.der"
		done
		if [ -z "$identity" ] && [ -f "${1%.cose}.der" ] && [ "$(digest sha256 <"${1%.cose}.der")" = "$x5t" ]; then
			identity=$x5t && cp "${1%.cose}.der" "$work/signer.der"
		fi
		if [ -z "$identity" ]; then
			for each in $(with_role piv-certificate); do here "$each" || { echo '?its certificate is not here' && return; }; done
			echo 'its certificate is not here' && return
		fi
		have openssl || { echo '?openssl is not installed' && return; }
		openssl x509 -inform DER -in "$work/signer.der" -pubkey -noout >"$work/signer.pem" 2>/dev/null || { echo '?openssl cannot read the key of its certificate' && return; }
		openssl x509 -inform DER -in "$work/signer.der" -out "$work/signer.crt" 2>/dev/null
		# its own anchor: what is looked at is the time, and that an RSA key has 2048 bits
		openssl verify -no-CAfile -no-CApath -ignore_critical -partial_chain -attime "$issued" -trusted "$work/signer.crt" "$work/signer.crt" >"$work/said" 2>&1 || { echo "its certificate: $(grep -m 1 -e '^error ' "$work/said" | cut -d: -f2)" && return; }
	elif [ -n "$kid" ] && [ -z "$x5t" ]; then
		for each in $(with_role key-public); do
			here "$each" && [ "$(tpm_name "$each")" = "$kid" ] && label=$each identity=$kid
		done
		if [ -z "$identity" ]; then
			for each in $(with_role key-public); do here "$each" || { echo '?its key is not here' && return; }; done
			echo 'its key is not here' && return
		fi
		have openssl || { echo '?openssl is not installed' && return; }
		tpm_key "$label" >"$work/signer.pem" || { echo '?its key cannot be read here' && return; }
	else
		echo 'it does not say whose it is' && return
	fi
	size=$(printf '%x' $((${#protected} / 2)))
	case ${#size} in 1 | 2) head="58$(printf '%02x' "0x$size")" ;; *) head="59$(printf '%04x' "0x$size")" ;; esac
	[ $((${#protected} / 2)) -ge 24 ] || head=$(printf '%02x' $((64 + ${#protected} / 2)))
	unhex "846a5369676e617475726531$head${protected}4058$(printf '%02x' $((${#payload} / 2)))$payload" >"$work/tbs"
	bits=$(openssl pkey -pubin -in "$work/signer.pem" -text -noout 2>/dev/null | sed -n '1s/.*(\([0-9]*\) bit.*/\1/p')
	type=$(openssl pkey -pubin -in "$work/signer.pem" -text -noout 2>/dev/null | sed -n 's/^NIST CURVE: //p; s/^Modulus:.*/RSA/p; s/^ED25519.*/ED25519/p' | head -n 1)
	half=$((${#signature} / 2)) options=''
	case $(get "$work/header" /1 i) in
	-9 | -7) want=P-256 size=128 name=sha256 ;;
	-51 | -35) want=P-384 size=192 name=sha384 ;;
	-52 | -36) want=P-521 size=264 name=sha512 ;;
	-19 | -8) want=ED25519 size=128 name='' ;;
	-257) want=RSA size=${#signature} name=sha256 ;;
	-37) want=RSA size=${#signature} name=sha256 options='-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sigopt rsa_mgf1_md:sha256' ;;
	'') echo 'it does not say by which algorithm it was made' && return ;;
	*) echo '?its algorithm is not known here' && return ;;
	esac
	[ "$type" = "$want" ] && [ ${#signature} -eq "$size" ] || { echo 'its algorithm does not fit its key' && return; }
	case $want in
	RSA)
		[ "$bits" -ge 2048 ] && [ "$bits" -le 8192 ] || { echo "an RSA key of $bits bits" && return; }
		unhex "$signature" >"$work/signature"
		;;
	ED25519)
		unhex "$signature" >"$work/signature"
		openssl pkeyutl -verify -pubin -inkey "$work/signer.pem" -rawin -in "$work/tbs" -sigfile "$work/signature" >/dev/null 2>&1 || echo 'the signature does not verify'
		printf '%s %s\n' "$label" "$identity" >"$work/signer"
		return
		;;
	*)
		r=$(printf '%s' "$signature" | cut -c "1-$half") s=$(printf '%s' "$signature" | cut -c "$((half + 1))-")
		both=$(printf '0018000b%04x%s%04x%s' $((half / 2)) "$r" $((half / 2)) "$s" | awk -v what=signature "$TPM" | sed -n 's/^plain //p')
		unhex "$both" >"$work/signature"
		;;
	esac
	# shellcheck disable=SC2086 # several words on purpose
	openssl dgst "-$name" $options -verify "$work/signer.pem" -signature "$work/signature" "$work/tbs" >/dev/null 2>&1 || echo 'the signature does not verify'
	printf '%s %s\n' "$label" "$identity" >"$work/signer"
}

# gnupg CERTIFICATE SIGNATURE [OPTION...]: gpg's status lines, in a keyring of this certificate alone
gnupg() {
	rm -rf "$work/gnupg" && mkdir "$work/gnupg"
	certificate=$1 signed=$2
	shift 2
	gpg --homedir "$work/gnupg" --batch --no-tty --quiet --no-autostart --import "$certificate" >/dev/null 2>&1
	gpg --homedir "$work/gnupg" --batch --no-tty --quiet --no-autostart --with-colons --list-keys >"$work/keys" 2>/dev/null
	gpg --homedir "$work/gnupg" --batch --no-tty --no-autostart "$@" --status-fd 1 --verify "$signed" manifest.cbor 2>/dev/null >"$work/status"
}
status() { grep -q "^\[GNUPG:\] $1 " "$work/status"; }

# why an OpenPGP seal does not hold; nothing if it does
openpgp() {
	case $(hex "$1" | cut -c 1) in [89a-f]) ;; *) echo 'it is no binary signature' && return ;; esac
	have gpg || { echo '?gpg is not installed' && return; }
	[ "$(gpg --homedir "$work" --batch --no-tty --list-packets "$1" 2>/dev/null | grep -c '^:')" -eq 1 ] || { echo 'it is not exactly one packet' && return; }
	reason='there is no OpenPGP certificate to check it with'
	for each in $(with_role openpgp-certificate) -; do
		if [ "$each" = - ]; then certificate=${1%.sig}.key; else certificate=$(file_of "$each"); fi
		if [ ! -f "$certificate" ]; then
			[ "$each" = - ] || reason='?a certificate is not here'
			continue
		fi
		[ "$each" = - ] || here "$each" || continue
		gnupg "$certificate" "$1"
		status VALIDSIG || { [ "${reason#\?}" != "$reason" ] || reason='gpg does not accept it' && continue; }
		# fingerprint, date, time, expires, version, reserved, key algorithm, hash algorithm, class, primary key
		# shellcheck disable=SC2046 # several words on purpose
		set -- "$1" $(sed -n 's/^\[GNUPG:\] VALIDSIG //p' "$work/status")
		[ $# -eq 11 ] || { echo 'it is not exactly one signature' && return; }
		status EXPKEYSIG && gnupg "$certificate" "$1" --faked-system-time "$4!"
		status REVKEYSIG && echo '?its key is revoked; gpg does not say since when' && return
		status GOODSIG || { echo 'gpg does not accept it' && return; }
		[ "$4" -le "$(date +%s)" ] || { echo 'it was made in the future' && return; }
		[ "$5" = 0 ] || [ "$5" -ge "$(date +%s)" ] || { echo 'it has expired' && return; }
		case $9 in 1 | 2 | 3) echo 'its digest is MD5, SHA-1 or RIPEMD-160' && return ;; esac
		shift 9
		[ "$1" = 00 ] || { echo 'it is not a signature over a file' && return; }
		bits=$(awk -F: -v key="$(sed -n 's/^\[GNUPG:\] VALIDSIG \([^ ]*\).*/\1/p' "$work/status")" '
			$1 == "pub" || $1 == "sub" { bits = $4 <= 3 ? $3 : 4096 }
			$1 == "fpr" && $10 == key { print bits; exit }' "$work/keys")
		[ "${bits:-0}" -ge 2048 ] || { echo 'an RSA key of less than 2048 bits' && return; }
		printf '%s %s\n' "$each" "$(printf '%s' "$2" | tr 'A-F' 'a-f')" >"$work/signer"
		return
	done
	echo "$reason"
}

tpm_name() {
	tpm public "$(file_of "$1")" >"$work/public" && algorithm=$(of_tpm "$work/public" namealg) && name=$(hash_name "$algorithm") || return 1
	echo "$algorithm$(digest "$name" <"$(file_of "$1")")"
}

tpm_key() {
	tpm public "$(file_of "$1")" >"$work/public" || return 1
	unhex "$(of_tpm "$work/public" spki)" | openssl pkey -pubin -inform DER 2>/dev/null
}

number=0
while number=$((number + 1)) && set -- seals/"$number".* && [ -e "$1" ]; do
	rm -f "$work/signer"
	if [ -f "seals/$number.cose" ]; then
		why=$(cose "seals/$number.cose")
	elif [ -f "seals/$number.sig" ]; then
		why=$(openpgp "seals/$number.sig")
	else
		note "seal $number is of a type that is not known here" && continue
	fi
	case $why in
	'')
		read -r label identity <"$work/signer"
		printf '%s %s\n' "$label" "$identity" >>"$work/sealed"
		pass "seal $number is by $([ "$label" = - ] || printf '%s, ' "$label")$identity"
		;;
	\?*) doubt=1 && unsure "seal $number: ${why#\?}" ;;
	*) fail "seal $number: $why" ;;
	esac
done
required=0
while label=$(get "$manifest" "/signers/$required/item" t) && [ -n "$label" ]; do
	required=$((required + 1))
	if ! printf '%s\n' "$labels" | grep -qxF -e "$label"; then
		fail 'a signer that the manifest requires is no item'
	elif cut -d' ' -f1 "$work/sealed" | grep -qxF -e "$label"; then
		pass "$label has sealed"
	elif [ $doubt -eq 1 ]; then
		unsure "whether $label has sealed"
	else
		fail "there is no valid seal of $label, which the manifest requires"
	fi
done
for pin in $openpgp_pins $piv_pins; do
	if cut -d' ' -f2 "$work/sealed" | grep -qxF -e "$pin"; then
		pass "the pinned identity $pin has sealed"
	elif [ $doubt -eq 1 ]; then
		unsure "whether the pinned identity $pin has sealed"
	else
		fail "the pinned identity $pin has not sealed"
	fi
done
[ -n "$openpgp_pins$piv_pins" ] || unsure 'no identity is pinned: anyone could have made these seals'

# --- the TPM ------------------------------------------------------------------------------------------

# what its statements must repeat: the digest of context, nonce, sealed digests, the snapshot before
covered=$(awk -F'\t' '$1 ~ /^\/binding\/over\/[0-9]+$/ { print $3 }' "$manifest")
for each in openpgp-certificate piv-certificate ek-certificate ek-public ak-public key-public; do
	for label in $(with_role $each); do
		printf '%s\n' "$covered" | grep -qxF -e "$label" || fail "the binding does not cover $label"
	done
done
bytes() { # a CBOR byte string in hexadecimal, of 24 to 255 bytes, or shorter
	if [ $((${#1} / 2)) -lt 24 ]; then printf '%02x%s' $((64 + ${#1} / 2)) "$1"; else printf '58%02x%s' $((${#1} / 2)) "$1"; fi
}
head_of() { # the head of a CBOR item: first byte of its kind, number
	if [ "$2" -lt 24 ]; then printf '%02x' $(($1 + $2)); elif [ "$2" -lt 256 ]; then printf '%02x%02x' $(($1 + 24)) "$2"; else printf '%02x%04x' $(($1 + 25)) "$2"; fi
}
digest_of() { # the CBOR of the digest at a path of the manifest
	case $(get "$manifest" "$1/0" i) in -16) printf '822f' ;; -43) printf '82382a' ;; -44) printf '82382b' ;; esac
	bytes "$(get "$manifest" "$1/1" b)"
}
binding() {
	previous=$(digest_of /previous)
	context='evidence-bundle/1 binding'
	if [ "$(get "$manifest" /previous a)" = 2 ]; then printf 84; else printf 83 && previous=''; fi
	head_of 96 ${#context}
	printf '%s' "$context" | od -An -v -tx1 | tr -d ' \n'
	bytes "$(get "$manifest" /binding/nonce b)"
	head_of 160 "$(printf '%s' "$covered" | grep -c .)"
	# keys in the order of their encodings: the shorter first
	for label in $(printf '%s\n' "$covered" | awk '{ print length($0), $0 }' | sort -k1,1n -k2 | cut -d' ' -f2); do
		head_of 96 ${#label}
		printf '%s' "$label" | od -An -v -tx1 | tr -d ' \n'
		digest_of "/items/$label/digest"
	done
	printf '%s' "$previous"
}
bound=$(unhex "$(binding)" | digest "$(hash_name "$(get "$manifest" /binding/alg i)")")

# qualified LABEL HANDLE: the qualified name of a key in a hierarchy, through its parents
qualified() {
	chain=$1 parent=$(refs "$1" parent | head -n 1) depth=0
	while [ -n "$parent" ] && [ $depth -lt 8 ]; do
		chain="$parent $chain" parent=$(refs "$parent" parent | head -n 1) depth=$((depth + 1))
	done
	qualified=$2
	for each in $chain; do
		here "$each" && name=$(tpm_name "$each") || return 1
		qualified=$(printf '%.4s' "$name")$(unhex "$qualified$name" | digest "$(hash_name "$(printf '%.4s' "$name")")")
	done
	echo "$qualified"
}

# why a statement is not what its role says; nothing if it is
statement() {
	by=$(refs "$1" by) file=$(file_of "$1") said=$work/attest
	[ "$(role "$by")" = ak-public ] || { echo 'it names no attestation key' && return; }
	here "$by" || { echo "?$by is not here" && return; }
	tpm attest "$file" >"$said" || { echo 'it cannot be read' && return; }
	[ "$(of_tpm "$said" magic)" = ff544347 ] || { echo 'no TPM made it' && return; }
	case $(role "$1")/$(of_tpm "$said" type) in
	quote/8018 | certify/8017 | certify-creation/801a | time/8019 | nv-certify/8014 | nv-certify/801c) ;;
	*) echo 'it is not of the type of its role' && return ;;
	esac
	[ "$(of_tpm "$said" extra)" = "$bound" ] || {
		[ "$(of_tpm "$said" extra)" != "$(get "$manifest" /binding/nonce b)" ] || printf '?'
		echo 'it does not repeat the binding' && return
	}
	signer=''
	for handle in 40000001 40000007 4000000b 4000000c; do
		name=$(qualified "$by" $handle) || { echo "?the Name of $by or of its parent" && return; }
		[ "$name" != "$(of_tpm "$said" signer)" ] || signer=$handle
	done
	[ -n "$signer" ] || { echo "its signer is not $by" && return; }
	signatures=$(referring tpm-signature over "$1")
	[ -n "$signatures" ] || { echo 'no signature is over it' && return; }
	have openssl || { echo '?openssl is not installed' && return; }
	tpm public "$(file_of "$by")" >"$work/key" || { echo "?$by cannot be read here" && return; }
	unhex "$(of_tpm "$work/key" spki)" | openssl pkey -pubin -inform DER -out "$work/key.pem" 2>/dev/null || { echo "$by is no key" && return; }
	for each in $signatures; do
		here "$each" || { echo "?$each is not here" && return; }
		[ "$(refs "$each" by)" = "$by" ] || { echo "$each names another key" && return; }
		tpm signature "$(file_of "$each")" >"$work/made" || { echo "$each cannot be read here" && return; }
		scheme=$(of_tpm "$work/made" scheme) algorithm=$(of_tpm "$work/made" hash)
		[ "$scheme $algorithm" = "$(of_tpm "$work/key" scheme) $(of_tpm "$work/key" hash)" ] || { echo "$each is not by the scheme of $by" && return; }
		case $algorithm in 0004) echo "$each is by SHA-1" && return ;; esac
		name=$(hash_name "$algorithm") || { echo "?$each is by a hash that is not known here" && return; }
		unhex "$(of_tpm "$work/made" plain)" >"$work/plain"
		options=''
		[ "$scheme" != 0016 ] || options='-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:auto'
		# shellcheck disable=SC2086 # several words on purpose
		openssl dgst "-$name" $options -verify "$work/key.pem" -signature "$work/plain" "$file" >/dev/null 2>&1 || { echo "$each does not verify" && return; }
	done
	case $(role "$1") in
	quote) quote "$1" ;;
	certify | certify-creation)
		subject=$(refs "$1" subject)
		here "$subject" || { echo "?$subject is not here" && return; }
		name=$(tpm_name "$subject") || { echo "?the Name of $subject" && return; }
		[ "$(of_tpm "$said" name)" = "$name" ] || { echo "it is about another key than $subject" && return; }
		[ "$(role "$1")" = certify ] || return
		[ "$(tpm_name "$by")" != "$name" ] || { echo "$by certifies itself" && return; }
		for handle in 40000001 40000007 4000000b 4000000c; do
			name=$(qualified "$subject" $handle) || { echo "?the Name of a parent of $subject" && return; }
			[ "$name" != "$(of_tpm "$said" qualified)" ] || return
		done
		echo "$subject is not where it says"
		;;
	esac
}

# why PCR values are not those quoted; $said, $name, $by, $each are those of the statement
quote() {
	of_tpm "$said" pcr | sort >"$work/quoted"
	[ -s "$work/quoted" ] || { echo 'no PCR is quoted' && return; }
	values=$(referring pcr-values quoted-by "$1")
	[ -n "$values" ] || { echo '?no PCR values are given for it' && return; }
	for one in $values; do
		here "$one" || { echo "?$one is not here" && return; }
		cbor "$(file_of "$one")" >"$work/values" || { echo "$one cannot be read" && return; }
		grep -q '	m	0$' "$work/values" && echo "$one has a bank without values" && return
		awk -F'\t' '$2 == "b" { print substr($1, 2) }' "$work/values" | sort >"$work/given"
		cmp -s "$work/given" "$work/quoted" || { echo "$one has not exactly the values that are quoted" && return; }
		all=''
		for pcr in $(of_tpm "$said" pcr); do
			[ "${pcr%/*}" != 4 ] || of_tpm "$said" pcr | grep -q -e "^[^4].*/${pcr#*/}\$" || { echo "PCR ${pcr#*/} is quoted in the SHA-1 bank only" && return; }
			value=$(get "$work/values" "/$pcr" b)
			case ${pcr%/*} in
			4) size=40 ;;
			11 | 18 | 39) size=64 ;;
			12 | 40) size=96 ;;
			13 | 41) size=128 ;;
			*) echo "?bank ${pcr%/*} is not known here" && return ;;
			esac
			[ ${#value} -eq "$size" ] || { echo "$one has a value of another size than its bank's" && return; }
			all=$all$value
		done
		[ "$(unhex "$all" | digest "$name")" = "$(of_tpm "$said" digest)" ] || { echo "$one has other values than were quoted" && return; }
	done
	values=forms/$(basename "$(file_of "$1")" .attest).pcrs
	if have tpm2_checkquote && [ -f "$values" ] && [ "$scheme" != 0016 ]; then
		tpm2_checkquote -Q -u "$(file_of "$by")" -m "$file" -s "$(file_of "$each")" -f "$values" -g "$name" -q "$bound" >/dev/null 2>&1 || echo 'tpm2_checkquote does not accept it'
	fi
}

# born in its TPM and never to leave it: fixedTPM, fixedParent, sensitiveDataOrigin; sign, not decrypt
attributes() {
	[ $(($(of_tpm "$work/public" attributes) & (0x60032 | $1))) -eq $((0x40032 | $1)) ]
}
for label in $(with_role ak-public) $(with_role key-public); do
	here "$label" || continue
	if ! tpm public "$(file_of "$label")" >"$work/public"; then
		unsure "$label cannot be read here" && continue
	fi
	case $(of_tpm "$work/public" bits) in 1024) fail "$label is an RSA key of 1024 bits" ;; esac
	case $(of_tpm "$work/public" namealg)/$(of_tpm "$work/public" hash) in *0004*) fail "$label uses SHA-1" ;; esac
	case $(role "$label") in
	ak-public)
		# restricted: it signs nothing that its TPM did not make
		if attributes 0x10000; then pass "$label signs only what its TPM says"; else fail "$label is no attestation key by its attributes"; fi
		;;
	key-public)
		if attributes 0; then pass "$label was made in its TPM and cannot leave it"; else fail "$label is no key of one TPM by its attributes"; fi
		[ -n "$(referring certify subject "$label")$(referring certify-creation subject "$label")" ] || fail "no attestation key certifies $label"
		;;
	esac
done
for label in $(with_role ak-name) $(with_role key-name); do
	of=$(refs "$label" of)
	here "$label" || continue
	here "$of" || continue
	[ "$(hex "$(file_of "$label")")" = "$(tpm_name "$of")" ] || fail "$label is not the Name of $of"
done
for label in $labels; do
	case $(role "$label") in quote | certify | certify-creation | time | nv-certify) ;; *) continue ;; esac
	here "$label" || continue
	why=$(statement "$label")
	case $why in
	'') pass "$label: signed by $(refs "$label" by), made for this ceremony" ;;
	\?*) unsure "$label: ${why#\?}" ;;
	*) fail "$label: $why" ;;
	esac
done
[ -n "$(with_role quote)" ] || fail 'there is no quote'
have tpm2_checkquote || note 'tpm2_checkquote is not installed: quotes were checked with openssl only'

# chain LABEL USAGE: why a certificate does not lead to an anchor
chain() {
	have openssl || { echo '?openssl is not installed' && return; }
	openssl x509 -inform DER -in "$(file_of "$1")" -out "$work/leaf.pem" 2>/dev/null || { echo 'openssl cannot read it' && return; }
	openssl x509 -in "$work/leaf.pem" -noout -ext extendedKeyUsage 2>/dev/null | tr ',' '\n' | grep -qE "^ *$2\$" || { echo 'it is not for such a key' && return; }
	[ -n "$anchors" ] || { echo '?no anchor is given' && return; }
	: >"$work/issuers.pem"
	for each in $(with_role certificate-issuer); do
		here "$each" && openssl x509 -inform DER -in "$(file_of "$each")" >>"$work/issuers.pem" 2>/dev/null
	done
	cat "$work/leaf.pem" >>"$work/issuers.pem" # never empty, as openssl wants it; the leaf issues nothing
	openssl verify -no-CAfile -no-CApath -partial_chain -auth_level 1 -attime "$created" -CAfile "$work/anchors.pem" -untrusted "$work/issuers.pem" "$work/leaf.pem" >"$work/said" 2>&1 || echo "it does not lead to an anchor: $(grep -m 1 -e '^error ' "$work/said" | cut -d: -f2)"
}
# owner LABEL-OF-PUBLIC LABEL-OF-CERTIFICATE: whether both are of one key
owner() {
	tpm public "$(file_of "$1")" >"$work/public" || return 1
	unhex "$(of_tpm "$work/public" spki)" >"$work/one"
	openssl x509 -inform DER -in "$(file_of "$2")" -pubkey -noout 2>/dev/null | openssl pkey -pubin -outform DER -out "$work/other" 2>/dev/null && cmp -s "$work/one" "$work/other"
}
for of in ek:2.23.133.8.1 ak:2.23.133.8.3; do
	for label in $(with_role "${of%:*}-certificate"); do
		here "$label" || continue
		why=$(chain "$label" "$(printf '%s' "${of#*:}" | sed 's/\./\\./g')")
		case $why in
		'') pass "$label leads to an anchor" ;;
		\?*) unsure "$label: ${why#\?}" ;;
		*) fail "$label: $why" ;;
		esac
	done
	for label in $(with_role "${of%:*}-public"); do
		for certificate in $(refs "$label" certificate); do
			here "$label" || continue
			here "$certificate" || continue
			if ! have openssl; then
				unsure "whether $certificate is for the key $label"
			elif owner "$label" "$certificate"; then
				pass "$certificate is for the key $label"
			else
				fail "$certificate is for another key than $label"
			fi
		done
	done
done

# --- what is left -------------------------------------------------------------------------------------

left() { for each in $labels; do [ "$(role "$each")" != "$1" ] || { note "$2" && return; }; done; }
left firmware-log 'whether logs give the quoted PCR values was not checked: tpm2_eventlog shows what they give'
left credential-activation 'records of credential activation were not checked: they are the word of those who sealed'
left crl 'revocation lists were not looked at'
left creation-data 'creation data and tickets were not compared with what the TPM certified'
left ak-template 'templates were not compared with the keys made from them'
left ek-certificate 'of EK certificates only chain, usage and key were checked, not the rest of their profile'
note 'renewals, timestamps and receipts, reference values, the clock between statements and the snapshot before were not looked at: bundle verify does'
end
