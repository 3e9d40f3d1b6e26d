//! A webhook's receiver: reads what comes over HTTP and lets the test decide whether it is taken.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::Value;

use super::until;

/// Serves a new port. `take` gets the delivery's key and the body; false is answered with 503.
pub fn serve(take: impl Fn(&str, Value) -> bool + Send + Sync + 'static) -> u16 {
    serve_whole(move |head, body| {
        let key = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("x-deploywatch-delivery")
                .then(|| value.trim())
        });
        take(key.unwrap_or_default(), body)
    })
}

/// The same, where `take` gets the request's line and header.
pub fn serve_whole(take: impl Fn(&str, Value) -> bool + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let take = Arc::new(take);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let take = take.clone();
            thread::spawn(move || talk(&stream, &*take));
        }
    });
    port
}

fn talk(mut stream: &TcpStream, take: &dyn Fn(&str, Value) -> bool) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        let length = reader.read_line(&mut line).ok()?;
        (0 < length).then(|| line.trim_end().to_owned())
    };
    let mut head = format!("{}\n", line()?);
    let mut length = 0;
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
        head += &format!("{line}\n");
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let status = if take(&head, serde_json::from_slice(&body).ok()?) {
        "204 No Content"
    } else {
        "503 Service Unavailable"
    };
    let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(answer.as_bytes()).ok()
}

/// A receiver that keeps all it gets.
#[derive(Clone)]
pub struct Hook {
    bodies: Arc<Mutex<Vec<Value>>>,
    pub port: u16,
}

impl Hook {
    pub fn start() -> Self {
        let bodies: Arc<Mutex<Vec<Value>>> = Arc::default();
        let kept = bodies.clone();
        let port = serve(move |_, body| {
            kept.lock().expect("not poisoned").push(body);
            true
        });
        Self { bodies, port }
    }

    /// What came so far and is of this kind.
    pub fn of(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let bodies = self.bodies.lock().expect("not poisoned");
        bodies.iter().filter(|body| wanted(body)).cloned().collect()
    }

    /// Waits for one of this kind.
    #[track_caller]
    pub fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        until(what, || self.of(&wanted).into_iter().next())
    }
}
