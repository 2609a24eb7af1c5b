# SPDX-License-Identifier: GPL-2.0
# For test scripts: results in TAP, and where the recordings are. Source it from the top directory.
n=0 bad=0

same() { # NAME WANT GOT
	n=$((n + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $n - $1"
	else
		bad=$((bad + 1))
		printf 'not ok %d - %s\n    want: %s\n    got:  %s\n' "$n" "$1" "$2" "$3"
	fi
}

holds() { # NAME PART WHOLE
	case $3 in
	*"$2"*) same "$1" 1 1 ;;
	*) same "$1" "... $2 ..." "$3" ;;
	esac
}

finish() { # WHAT WAS COMPARED
	echo "# $1: $n comparisons, $bad wrong"
	echo "1..$n"
	[ "$bad" = 0 ]
}
