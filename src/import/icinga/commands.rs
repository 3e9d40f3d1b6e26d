//! The check commands that everyday configurations use without defining them: which plugin, and which variable goes
//! behind which of its options.
//!
//! A line is words, and arguments come in the order written. `check_x` is the plugin, another bare word the command of
//! the table that this one varies, `-4` an option that is always there. `-p=_port` is an option with a value, `-p!_port`
//! one that the check cannot do without, `-S?_ssl` an option that is there where the variable is true, `-a*_list` one
//! before all values of a list, `-C+_words` one with a list as a single value. Without an option in front the value
//! stands alone. Names may be joined by `,` and end in `%`; `|` leads to what counts where the variable is not set. A
//! name that starts with `_` has the command's own name before it. `port=443` is a variable's value until it is set.

use super::{
    super::source::Place,
    NOWHERE,
    syntax::{Expr, How, Item, Object, Statement, Top, What},
    value::{Map, Value},
};

/// The letters are those of the plugins' `--help`.
const COMMANDS: &[(&str, &str)] = &[
    ("ipv4-or-ipv6", "check_address=$address$"),
    ("dummy", "check_dummy =_state =_text dummy_state=0"),
    ("passive", "dummy dummy_state=3"),
    (
        "ping",
        "check_ping -H=_address|address -c=_crta,_cpl% -p=_packets -t=_timeout -w=_wrta,_wpl% \
         ping_wrta=100 ping_wpl=5 ping_crta=200 ping_cpl=15",
    ),
    ("ping4", "ping -4"),
    ("ping6", "ping -6 ping_address=$address6$"),
    (
        "hostalive",
        "ping ping_wrta=3000 ping_wpl=80 ping_crta=5000 ping_cpl=100",
    ),
    (
        "hostalive4",
        "ping4 ping_wrta=3000 ping_wpl=80 ping_crta=5000 ping_cpl=100",
    ),
    (
        "hostalive6",
        "ping6 ping_wrta=3000 ping_wpl=80 ping_crta=5000 ping_cpl=100",
    ),
    (
        "icmp",
        "check_icmp -H=_address|address -w=_wrta,_wpl% -c=_crta,_cpl% -s=_source -n=_packets -i=_packet_interval \
         -I=_target_interval -m=_hosts_alive -b=_data_bytes -l=_ttl -t=_timeout \
         icmp_wrta=100 icmp_wpl=5 icmp_crta=200 icmp_cpl=15",
    ),
    (
        "tcp",
        "check_tcp -H=_address|address -p=_port -4?_ipv4 -6?_ipv6 -S?_ssl --sni=_sni -D=_certificate -E?_escape_send \
         -s=_send -e=_expect -A?_all -q=_quit -r=_refuse -M=_mismatch -j?_jail -m=_maxbytes -d=_delay -w=_wtime \
         -c=_ctime -t=_timeout",
    ),
    (
        "ssl",
        "check_tcp -H=_address|address -p=_port -S --sni=_sni -D=_cert_valid_days_warn,_cert_valid_days_critical \
         -t=_timeout ssl_port=443 ssl_cert_valid_days_critical=0",
    ),
    (
        "udp",
        "check_udp -H=_address|address -p!_port -s=_send -e=_expect -q=_quit -4?_ipv4 -6?_ipv6",
    ),
    (
        "http",
        "check_http -H=_vhost -I=_address|address -4?_ipv4 -6?_ipv6 -S?_ssl -S1.1?_ssl_force_tlsv1_1 \
         -S1.2?_ssl_force_tlsv1_2 --sni?_sni -C=_certificate -J=_clientcert -K=_privatekey -a=_auth_pair \
         -b=_proxy_auth_pair -A=_useragent -k=_header -j=_method -P=_post -T=_contenttype -N?_nobody -M=_maxage \
         -e=_expect -d=_headerstring -s=_string -l?_linespan -r=_expect_body_regex -R=_expect_body_eregi \
         --invert-regex?_invertregex -f=_onredirect -m=_pagesize -p=_port -u=_uri -E?_extendedperfdata -L?_link \
         -w=_warn_time -c=_critical_time -t=_timeout -v?_verbose",
    ),
    ("ftp", TALK),
    ("imap", TALK),
    ("pop", TALK),
    (
        "smtp",
        "check_smtp -H=_address|address -p=_port -4?_ipv4 -6?_ipv6 -F=_helo_fqdn -f=_mail_from -e=_expect -C=_command \
         -R=_response -D=_certificate_age -S?_starttls -A=_authtype -U=_authuser -P=_authpass -q?_ignore_quit -w=_warn \
         -c=_critical -t=_timeout",
    ),
    (
        "ssh",
        "check_ssh -p=_port -t=_timeout -4?_ipv4 -6?_ipv6 =_address|address",
    ),
    (
        "by_ssh",
        "check_by_ssh -C+_command -H=_address|address -p=_port -4?_ipv4 -6?_ipv6 -l=_logname -i=_identity -o=_options \
         -q?_quiet -w=_warn -c=_crit -t=_timeout",
    ),
    (
        "nrpe",
        "check_nrpe -H=_address|address -p=_port -4?_ipv4 -6?_ipv6 -2?_version_2 -n?_no_ssl -A=_ca -C=_cert -K=_key \
         -P=_payload_size -u?_timeout_unknown -t=_timeout -c=_command -a*_arguments",
    ),
    (
        "snmp",
        "check_snmp -H=_address|address -p=_port -P=_version -C=_community -o!_oid -m=_miblist -n?_getnext -w=_warn \
         -c=_crit -s=_string -r=_ereg -R=_eregi --invert-search?_invert_search --rate?_rate \
         --rate-multiplier=_rate_multiplier --offset=_offset -l=_label -u=_units -O?_perf_oids -e=_retries -t=_timeout",
    ),
    (
        "dns",
        "check_dns -H=_lookup|host.name -s=_server -a=_expected_answers|_expected_answer -A?_authoritative -w=_wtime \
         -c=_ctime -t=_timeout",
    ),
    (
        "dig",
        "check_dig -H=_server|address -p=_port -4?_ipv4 -6?_ipv6 -l!_lookup -T=_record_type -a=_expected_address \
         -A=_arguments -w=_warning -c=_critical -t=_timeout",
    ),
    (
        "ntp_time",
        "check_ntp_time -H=ntp_address|address -p=ntp_port -4?ntp_ipv4 -6?ntp_ipv6 -q?ntp_quiet -o=ntp_timeoffset \
         -w=ntp_warning -c=ntp_critical -t=ntp_timeout",
    ),
    (
        "ldap",
        "check_ldap -H=_address|address -p=_port -4?_ipv4 -6?_ipv6 -b!_base -a=_attr -D=_bind -P=_pass -T?_starttls \
         -S?_ssl -2?_v2 -3?_v3 -w=_warning -c=_critical -W=_warning_entries -C=_critical_entries -t=_timeout",
    ),
    (
        "mysql",
        "check_mysql -H=_hostname|address -P=_port -s=_socket -n?_ignore_auth -d=_database -f=_file -g=_group \
         -u=_username -p=_password -S?_check_slave -l?_ssl -w=_warning -c=_critical",
    ),
    (
        "pgsql",
        "check_pgsql -H=_hostname|address -P=_port -d=_database -l=_username -p=_password -o=_options -w=_warning \
         -c=_critical -q=_query -W=_query_warning -C=_query_critical -t=_timeout",
    ),
    // The limits must stand before the paths they are for.
    (
        "disk",
        "check_disk -w=_wfree -c=_cfree -W=_inode_wfree -K=_inode_cfree -e?_errors_only -f?_ignore_reserved -l?_local \
         -E?_exact_match -M?_mountpoint -A?_all -x=_partitions_excluded -X=_exclude_type -N=_include_type -t=_timeout \
         -k?_kilobytes -m?_megabytes -u=_units -g=_group -p=_partitions|_partition -r=_ereg_path -R=_eregi_path \
         -i=_ignore_ereg_path -I=_ignore_eregi_path disk_wfree=20% disk_cfree=10% disk_megabytes=true \
         disk_exclude_type=devtmpfs,overlay,squashfs,tmpfs",
    ),
    (
        "load",
        "check_load -w=_wload1,_wload5,_wload15 -c=_cload1,_cload5,_cload15 -r?_percpu \
         load_wload1=5 load_wload5=4 load_wload15=3 load_cload1=10 load_cload5=6 load_cload15=4",
    ),
    (
        "procs",
        "check_procs -w=_warning -c=_critical -m=_metric -s=_state -p=_ppid -z=_vsz -r=_rss -P=_pcpu -u=_user \
         -a=_argument --ereg-argument-array=_argument_regex -C=_command -k?_nokthreads -T?_traditional -t=_timeout \
         procs_warning=250 procs_critical=400",
    ),
    (
        "users",
        "check_users -w=_wgreater -c=_cgreater users_wgreater=20 users_cgreater=50",
    ),
    (
        "swap",
        "check_swap -a?_allswaps -c=_cfree% -n=_noswap -w=_wfree% swap_wfree=50 swap_cfree=25",
    ),
    (
        "file_age",
        "check_file_age -w=_warning_time -c=_critical_time -W=_warning_size -C=_critical_size -i?_ignoremissing -f!_file",
    ),
    (
        "apt",
        "check_apt -n?_no_upgrade -l?_list -i=_include -e=_exclude -c=_critical -o?_only_critical -t=_timeout",
    ),
    (
        "mailq",
        "check_mailq -w!_warning -c!_critical -W=_domain_warning -C=_domain_critical -M=_servertype -s?_sudo -t=_timeout",
    ),
];

/// Plugins that say something and wait for an answer share their options.
const TALK: &str = "check__ -H=_address|address -p=_port -4?_ipv4 -6?_ipv6 -S?_ssl -D=_certificate_age -E?_escape -s=_send \
                    -e=_expect -A?_all -q=_quit -r=_refuse -M=_mismatch -j?_jail -m=_maxbytes -d=_delay -w=_warning \
                    -c=_critical -t=_timeout";

/// The table as objects of a configuration.
pub fn items() -> Vec<Item> {
    COMMANDS
        .iter()
        .map(|(name, line)| item(name, line))
        .collect()
}

fn item(name: &str, line: &str) -> Item {
    let place: Place = NOWHERE;
    let mut body = Vec::new();
    let mut set = |path: &[&str], sign, value| {
        let of = |of, key: &&str| Expr::Of(Box::new(of), Box::new(text(key)));
        let left = path[1..].iter().fold(Expr::Name(path[0].to_owned()), of);
        let what = What::Set(left, sign, value);
        body.push(Statement { place, what });
    };
    let mut base = None;
    for (word, order) in line.split_whitespace().zip(1_u32..) {
        let Some(at) = word.find(['=', '!', '?', '*', '+']) else {
            match word.strip_prefix("check_") {
                Some(plugin) => {
                    let plugin = if plugin == "_" { name } else { plugin };
                    let directory = Box::new(Expr::Name("PluginDir".to_owned()));
                    let plugin = Box::new(text(&format!("/check_{plugin}")));
                    let program = Expr::Binary("+", directory, plugin);
                    set(&["command"], "=", Expr::List(vec![program]));
                }
                None if word.starts_with('-') => {
                    set(&["command"], "+=", Expr::List(vec![text(word)]));
                }
                None => base = Some(text(word)),
            }
            continue;
        };
        let (option, sign, said) = (&word[..at], &word[at..=at], &word[at + 1..]);
        if !option.is_empty() && !option.starts_with('-') {
            let value = if said.contains(',') {
                Expr::List(said.split(',').map(text).collect())
            } else {
                text(said)
            };
            set(&["vars", option], "=", value);
            continue;
        }
        let (value, other) = said.split_once('|').unwrap_or((said, ""));
        let value = macros(name, value);
        if !other.is_empty() {
            let variable = value.trim_matches('$');
            set(&["vars", variable], "=", text(&macros(name, other)));
        }
        let what = if sign == "?" { "set_if" } else { "value" };
        let argument = Map::from([
            (what.to_owned(), Value::text(value)),
            ("order".to_owned(), Value::Number(f64::from(order) / 1000.0)),
            ("required".to_owned(), Value::Flag(sign == "!")),
            ("repeat_key".to_owned(), Value::Flag(sign != "*")),
            ("joined".to_owned(), Value::Flag(sign == "+")),
            ("skip_key".to_owned(), Value::Flag(option.is_empty())),
        ]);
        let key = if option.is_empty() { said } else { option };
        set(&["arguments", key], "=", Expr::Is(Value::Map(argument)));
    }
    if let Some(base) = base {
        let what = What::Import(base);
        body.insert(0, Statement { place, what });
    }
    Item {
        place,
        above: Vec::new(),
        what: Top::Object(Object {
            how: How::Object,
            kind: "CheckCommand".to_owned(),
            name: Some(text(name)),
            body,
        }),
    }
}

fn text(text: &str) -> Expr {
    Expr::Is(Value::text(text))
}

/// `_a,_b%` as `$NAME_a$,$NAME_b$%`.
fn macros(name: &str, names: &str) -> String {
    let one = |part: &str| {
        let (variable, percent) = part
            .strip_suffix('%')
            .map_or((part, ""), |part| (part, "%"));
        let own = if variable.starts_with('_') { name } else { "" };
        format!("${own}{variable}${percent}")
    };
    names.split(',').map(one).collect::<Vec<String>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::{super::world::World, *};
    use crate::import::{icinga::command, source::Faults};

    /// The command line with these variables on a host with an address.
    fn line(name: &str, vars: &[(&str, &str)]) -> Result<String, String> {
        let known = items();
        let world = World::build(&[], &known, &mut Faults::default());
        let mut host = world.find("CheckCommand", "dummy").expect("known").clone();
        host.attrs = Map::from([("address".to_owned(), Value::text("192.0.2.1"))]);
        let vars = vars.iter();
        let vars = vars.map(|(name, value)| ((*name).to_owned(), Value::text(*value)));
        host.attrs
            .insert("vars".to_owned(), Value::Map(vars.collect()));
        let sources = command::Sources {
            host: Some(&host),
            ..Default::default()
        };
        let line = command::line(world.find("CheckCommand", name).expect("known"), sources)?;
        assert_eq!(line.left_out, [""; 0], "{name}");
        Ok(line.text.replace("/usr/lib/nagios/plugins/", "@"))
    }

    #[test]
    fn every_sign_of_the_table() {
        for (name, vars, expected) in [
            ("passive", &[][..], "@check_dummy 3"),
            (
                "hostalive6",
                &[("ping_address", "::1")],
                "@check_ping -6 -H ::1 -c 5000,100% -w 3000,80%",
            ),
            (
                "pop",
                &[("pop_ssl", "true"), ("pop_port", "995")],
                "@check_pop -H $HOSTADDRESS$ -p 995 -S",
            ),
            (
                "ssl",
                &[("ssl_cert_valid_days_warn", "30")],
                "@check_tcp -S -H $HOSTADDRESS$ -p 443 -D 30,0",
            ),
            (
                "disk",
                &[("disk_partition", "/"), ("disk_exclude_type", "tmpfs")],
                "@check_disk -w 20% -c 10% -X tmpfs -m -p /",
            ),
            (
                "dns",
                &[
                    ("dns_lookup", "a.example.org"),
                    ("dns_expected_answer", "x"),
                ],
                "@check_dns -H a.example.org -a x",
            ),
            (
                "ntp_time",
                &[("ntp_warning", "1")],
                "@check_ntp_time -H $HOSTADDRESS$ -w 1",
            ),
        ] {
            assert_eq!(line(name, vars).as_deref(), Ok(expected));
        }
        let missing = line("file_age", &[]).expect_err("no file");
        assert!(missing.contains("`$file_age_file$`"), "{missing}");
    }

    /// A slip of the pen would make another command of it.
    #[test]
    fn every_line_is_in_order() {
        let known = items();
        let world = World::build(&[], &known, &mut Faults::default());
        assert_eq!(world.globals.unknown.borrow().len(), 0);
        for (name, words) in COMMANDS {
            let mut seen = Vec::new();
            for word in words.split_whitespace() {
                let key = word.split(['=', '!', '?', '*', '+']).next();
                let is_plain = key.unwrap_or_default().is_empty() || !seen.contains(&key);
                assert!(is_plain, "{name}: {word} twice");
                seen.push(key);
            }
            let thing = world.find("CheckCommand", name).expect("known");
            let command = thing.attrs.get("command").map(Value::names);
            let is_template = *name == "ipv4-or-ipv6";
            assert_eq!(command.is_none(), is_template, "{name}");
        }
    }
}
