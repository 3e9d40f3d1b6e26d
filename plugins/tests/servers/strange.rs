//! A web server whose answers are written byte by byte: what no good server says, but some device does. What it does
//! not know, it answers with a number over the whole request in its status line, so that two requests are seen to be
//! the same.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::SystemTime,
};

pub struct Strange {
    port: u16,
}

pub fn start() -> Strange {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || talk(stream, port));
        }
    });
    Strange { port }
}

impl Strange {
    pub fn places(&self, places: &mut BTreeMap<String, String>) {
        places.insert("strange".to_owned(), self.port.to_string());
    }
}

fn talk(mut stream: TcpStream, port: u16) {
    let request = read_request(&mut stream);
    let line = request.lines().next().unwrap_or_default();
    let url = line.split(' ').nth(1).unwrap_or_default();
    let Some(answer) = answer(url, port) else {
        let hash = request
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
            });
        // In one piece: with `-N`, what comes at once is counted.
        let page = format!("HTTP/1.1 200 request {hash:x}\r\nServer: strange\r\n\r\n{line}\n");
        let _ = stream.write_all(page.as_bytes());
        return;
    };
    let _ = stream.write_all(&answer);
    if url == "/silent" || url == "/stalls" {
        // Until the other end has enough.
        while stream.read(&mut [0; 512]).is_ok_and(|count| 0 < count) {}
    }
}

fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("Content-Length: "))
                .and_then(|length| length.parse().ok())
                .unwrap_or(0);
            if length <= body.len() {
                return text.into_owned();
            }
        }
        match stream.read(&mut buffer) {
            Ok(count @ 1..) => request.extend_from_slice(&buffer[..count]),
            _ => return String::from_utf8_lossy(&request).into_owned(),
        }
    }
}

/// `%c` of RFC 1123, so many seconds ago.
fn date(ago: u64) -> String {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
        - ago;
    let time = rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(now);
    let part = |text: String, length: usize| text.chars().take(length).collect::<String>();
    format!(
        "{}, {:02} {} {} {:02}:{:02}:{:02} GMT",
        part(time.weekday().to_string(), 3),
        time.day(),
        part(time.month().to_string(), 3),
        time.year(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

fn answer(url: &str, port: u16) -> Option<Vec<u8>> {
    let ok = |header: &str, body: &str| format!("HTTP/1.1 200 OK\r\n{header}\r\n\r\n{body}");
    let to = |location: &str| {
        format!("HTTP/1.1 302 Found\r\nServer: x\r\n{location}\r\nX: y\r\n\r\nmoved\n")
    };
    let chunked = "Transfer-Encoding: chunked";
    let here = format!("http://127.0.0.1:{port}");
    let text = match url {
        "/silent" | "/nothing" => String::new(),
        "/stalls" => ok("Server: x", "half"),
        "/no-headers" => "HTTP/1.0 200 OK\r\n\r\nbody\n".to_owned(),
        "/no-headers-cut" => "HTTP/1.0 200 OK\r\n\r\nbody".to_owned(),
        "/status-alone" => "HTTP/1.0 200 OK\r\n\r\n".to_owned(),
        "/newlines" => "HTTP/1.0 200 OK\nServer: x\nA: b\n\nbody\n".to_owned(),
        "/blanks" => "HTTP/1.0 200 OK  \t\r\nServer: x\r\n\r\n\r\n\r\nbody\n".to_owned(),
        "/zeros" => ok("Server: x", "one\0two\0three\n"),
        "/lines" => ok("Server: x", "first line\nsecond line\n\nlast line\n"),
        "/utf8" => ok("Server: x", "grün und weiß\n"),
        "/empty" => ok("Server: x", ""),
        "/pipe" => ok("Server: x", "a|b=3\n"),
        "/chunks" => ok(chunked, "5\r\nhello\r\n7;x=y\r\n world!\r\n0\r\n\r\n"),
        "/chunks-lower" => ok("transfer-encoding:chunked", "3\r\nabc\r\n0\r\n\r\n"),
        "/chunks-upper" => ok("TRANSFER-ENCODING:  CHUNKED", "3\r\nabc\r\n0\r\n\r\n"),
        "/chunks-gzip" => ok("Transfer-Encoding: gzip, chunked", "3\r\nabc\r\n0\r\n\r\n"),
        "/chunks-none" => ok(chunked, "0\r\n\r\n"),
        "/chunks-empty" => ok(chunked, ""),
        "/chunks-bad" => ok(chunked, "hello"),
        "/chunks-cut" => ok(chunked, "ff\r\nhello"),
        "/line/four" => "HTTP/1.1 2000 X\r\nA: b\r\n\r\n".to_owned(),
        "/line/two" => "HTTP/1.1 20 X\r\nA: b\r\n\r\n".to_owned(),
        "/line/700" => "HTTP/1.1 700 X\r\nA: b\r\n\r\n".to_owned(),
        "/line/099" => "HTTP/1.1 099 X\r\nA: b\r\n\r\n".to_owned(),
        "/line/600" => "HTTP/1.1 600 X\r\nA: b\r\n\r\n".to_owned(),
        "/line/599" => "HTTP/1.1 599 X\r\nA: b\r\n\r\n".to_owned(),
        "/line/icy" => "ICY 200 OK\r\nA: b\r\n\r\n".to_owned(),
        "/line/http2" => "HTTP/2 200\r\nA: b\r\n\r\n".to_owned(),
        "/line/ssh" => "SSH-2.0-OpenSSH_9.2\r\n".to_owned(),
        "/line/none" => "\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\nx".to_owned(),
        "/line/words" => "HTTP/1.1 OK fine\r\nA: b\r\n\r\n".to_owned(),
        "/line/bare" => "HTTP/1.1 200\r\nA: b\r\n\r\nx\n".to_owned(),
        "/line/blank" => "HTTP/1.1\r\nA: b\r\n\r\nx\n".to_owned(),
        "/line/100" => "HTTP/1.1 100 Continue\r\nA: b\r\n\r\nx\n".to_owned(),
        "/line/304" => "HTTP/1.1 304 Not Modified\r\nA: b\r\n\r\n".to_owned(),
        "/to/none" => to("Y: z"),
        "/to/empty" => to("Location:"),
        "/to/blank" => to("Location:   "),
        "/to/folded" => to("Location:\r\n /folded"),
        "/to/lower" => to("location: /lower"),
        "/to/tab" => to("LOCATION:\t/tab"),
        "/to/absolute" => to(&format!("Location: {here}/absolute")),
        "/to/bare" => to(&format!("Location: {here}")),
        "/to/slash" => to(&format!("Location: {here}/")),
        "/to/slashes" => to(&format!("Location: {here}//two")),
        "/to/query" => to("Location: /q?a=b&c=%20d#e"),
        "/to/relative" => to("Location: relative"),
        "/to/up" => to("Location: ../up"),
        "/to/question" => to("Location: ?x=y"),
        "/to/ftp" => to("Location: ftp://a/b"),
        "/to/upper" => to(&format!("Location: HTTP://127.0.0.1:{port}/upper")),
        "/to/odd" => to("Location: <here>"),
        "/to/cut" => to("Location: /cut here"),
        "/to/utf8" => to("Location: /grün"),
        "/to/network" => to("Location: //127.0.0.1/network"),
        "/to/network-port" => to(&format!("Location: //127.0.0.1:{port}/network")),
        "/to/network-bare" => to("Location: //127.0.0.1"),
        "/to/high" => to("Location: http://127.0.0.1:70000/high"),
        "/to/zero" => to("Location: http://127.0.0.1:0/zero"),
        "/to/six" => to(&format!("Location: http://[::1]:{port}/six")),
        "/to/content" => to("Content-Location: /content"),
        "/to/last" => "HTTP/1.1 302 Found\r\nLocation: /last\r\n\r\n".to_owned(),
        "/to/last-empty" => "HTTP/1.1 302 Found\r\nA: b\r\nLocation:\r\n\r\n".to_owned(),
        "/to/no-header" => "HTTP/1.1 302 Found\r\n\r\n".to_owned(),
        "/to/self" => to("Location: /to/self"),
        "/to/self-relative" => to("Location: self-relative"),
        "/to/self-absolute" => to(&format!("Location: {here}/to/self-absolute")),
        "/to/chain" => to("Location: /to/absolute"),
        "/to/404" => to("Location: /line/404"),
        "/line/404" => "HTTP/1.1 404 Not Found\r\nA: b\r\n\r\nx\n".to_owned(),
        "/date/now" => ok(
            &format!("Date: {}\r\nLast-Modified: {}", date(0), date(5)),
            "x\n",
        ),
        "/date/minutes" => ok(
            &format!("date: {}\r\nlast-modified: {}", date(0), date(754)),
            "x\n",
        ),
        "/date/hours" => ok(
            &format!("Date: {}\r\nLast-Modified: {}", date(0), date(100_000)),
            "x\n",
        ),
        "/date/days" => ok(
            &format!("Date: {}\r\nLast-Modified: {}", date(0), date(1_000_000)),
            "x\n",
        ),
        "/date/future" => ok(
            &format!("Date: {}\r\nLast-Modified: {}", date(5000), date(1000)),
            "x\n",
        ),
        "/date/odd" => ok("Date: yesterday\r\nLast-Modified: today", "x\n"),
        "/date/odd-document" => ok(&format!("Date: {}\r\nLast-Modified: today", date(0)), "x\n"),
        "/date/none" => ok("Server: x", "x\n"),
        "/date/document-alone" => ok(&format!("Last-Modified: {}", date(5)), "x\n"),
        "/date/server-alone" => ok(&format!("Date: {}", date(5)), "x\n"),
        "/date/empty" => ok("Date: \r\nLast-Modified: \r\nA: b", "x\n"),
        "/date/twice" => ok(
            &format!(
                "Date: x\r\nDate: {}\r\nLast-Modified: {}",
                date(0),
                date(50)
            ),
            "x\n",
        ),
        "/huge" => {
            let mut page = ok("Server: x", "");
            page.push_str(&"0123456789abcde\n".repeat(400_000));
            page
        }
        "/long-header" => ok(&format!("A: {}", "b".repeat(50_000)), "body\n"),
        "/latin1" => {
            let mut page = ok("Server: x", "gr").into_bytes();
            page.extend(b"\xfcn b\n");
            return Some(page);
        }
        _ => return None,
    };
    Some(text.into_bytes())
}
