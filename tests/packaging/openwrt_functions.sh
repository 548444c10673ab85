# Stands for OpenWrt's /lib/functions.sh and procd.sh: reads UCI, and prints what procd would be told, tabs between words.
# UCI's own text is a shell's: config, option and list are commands.

config() { uci_section=$2; }

option() { eval "uci_${uci_section}_$1=\$2"; }

list() {
	eval "uci_n=\${uci_${uci_section}_$1_LENGTH:-0}"
	uci_n=$((uci_n + 1))
	eval "uci_${uci_section}_$1_LENGTH=$uci_n"
	eval "uci_${uci_section}_$1_ITEM$uci_n=\$2"
	eval "uci_${uci_section}_$1=\"\${uci_${uci_section}_$1:+\$uci_${uci_section}_$1 }\$2\""
}

config_load() { . "/etc/config/$1"; }

config_get() { eval "$1=\${uci_$2_$3:-\$4}"; }

config_get_bool() {
	config_get "$1" "$2" "$3" "$4"
	eval "case \$$1 in 1|on|true|yes|enabled) $1=1 ;; *) $1=0 ;; esac"
}

config_list_foreach() {
	uci_at=1
	eval "uci_length=\${uci_$1_$2_LENGTH:-0}"
	while [ "$uci_at" -le "$uci_length" ]; do
		eval "$3 \"\$uci_$1_$2_ITEM$uci_at\""
		uci_at=$((uci_at + 1))
	done
}

user_exists() { grep -qs "^$1:" /etc/passwd; }

said() {
	printf '%s' "$1"
	shift
	for word; do printf '\t%s' "$word"; done
	echo
}

procd_open_instance() { said open "$@"; }
procd_set_param() { said set "$@"; }
procd_append_param() { said append "$@"; }
procd_close_instance() { said close; }
procd_add_reload_trigger() { said trigger "$@"; }

# rc.common calls these around the script's own.
start() {
	said service
	start_service
}

default_postinst() { said default_postinst "$@"; }
default_prerm() { said default_prerm "$@"; }
add_group_and_user() { said add_group_and_user "${pkgname-}"; }
