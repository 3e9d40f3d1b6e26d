//! Services that `check_tcp` knows by the name it is called by: what they say, and where.

/// What is sent, expected and said at the end, unless options say otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    /// As the plugin writes it.
    pub name: &'static str,
    pub port: i64,
    pub tls: bool,
    /// Its answer is not shown.
    pub hide: bool,
    pub send: Option<&'static str>,
    /// One of these at the beginning.
    pub expect: &'static [&'static str],
    pub quit: Option<&'static str>,
}

const PLAIN: Service = Service {
    name: "TCP",
    port: 0,
    tls: false,
    hide: false,
    send: None,
    expect: &[],
    quit: None,
};

const fn speaking(
    name: &'static str,
    port: i64,
    tls: bool,
    expect: &'static [&'static str],
    quit: &'static str,
) -> Service {
    Service {
        name,
        port,
        tls,
        expect,
        quit: Some(quit),
        ..PLAIN
    }
}

pub(crate) fn find(plugin: &str) -> Service {
    match plugin {
        "check_udp" => Service {
            name: "UDP",
            ..PLAIN
        },
        "check_clamd" => Service {
            name: "CLAMD",
            port: 3310,
            send: Some("PING"),
            expect: &["PONG"],
            ..PLAIN
        },
        "check_ftp" => speaking("FTP", 21, false, &["220"], "QUIT\r\n"),
        "check_imap" => speaking("IMAP", 143, false, &["* OK"], "a1 LOGOUT\r\n"),
        "check_jabber" => Service {
            hide: true,
            send: Some(
                "<stream:stream to='host' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>\n",
            ),
            ..speaking(
                "JABBER",
                5222,
                false,
                &["<?xml version='1.0'"],
                "</stream:stream>\n",
            )
        },
        "check_nntp" => speaking("NNTP", 119, false, &["200", "201"], "QUIT\r\n"),
        "check_nntps" => speaking("NNTPS", 563, true, &["200", "201"], "QUIT\r\n"),
        "check_pop" => speaking("POP", 110, false, &["+OK"], "QUIT\r\n"),
        "check_simap" => speaking("SIMAP", 993, true, &["* OK"], "a1 LOGOUT\r\n"),
        "check_spop" => speaking("SPOP", 995, true, &["+OK"], "QUIT\r\n"),
        "check_ssmtp" => speaking("SSMTP", 465, true, &["220"], "QUIT\r\n"),
        _ => PLAIN,
    }
}
