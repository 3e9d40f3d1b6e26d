//! nginx as sites run it: plain, with TLS and certificates of all ages, with redirects, passwords and virtual hosts.

use std::{
    collections::BTreeMap,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::certificates;

pub struct Web {
    nginx: Child,
    dir: PathBuf,
    ports: BTreeMap<String, u16>,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port()
}

pub fn start() -> Web {
    let dir = std::env::temp_dir().join(format!("deploywatch-web-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory");
    certificates::write_all(&dir);
    write_pages(&dir);
    // Somebody else may take a port between its choice and its use.
    (0..5)
        .find_map(|_| start_in(&dir))
        .expect("nginx (package nginx-light) on free ports")
}

fn start_in(dir: &Path) -> Option<Web> {
    let names = ["web", "web6", "webtls12", "webclient"]
        .into_iter()
        .map(str::to_owned)
        .chain(certificates::ENDS.map(|(name, _)| format!("web_{name}")));
    let ports: BTreeMap<String, u16> = names.map(|name| (name, free_port())).collect();
    std::fs::write(dir.join("nginx.conf"), config(dir, &ports)).expect("written");
    // Not every user's path has it.
    let debian = Path::new("/usr/sbin/nginx");
    let program = if debian.exists() {
        debian
    } else {
        Path::new("nginx")
    };
    let mut nginx = Command::new(program)
        .arg("-p")
        .arg(dir)
        .args(["-e", "stderr", "-c", "nginx.conf"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("nginx (package nginx-light)");
    let patience = Instant::now() + Duration::from_secs(20);
    for (name, port) in &ports {
        let host = if name == "web6" { "::1" } else { "127.0.0.1" };
        while TcpStream::connect((host, *port)).is_err() {
            let is_over = nginx.try_wait().is_ok_and(|status| status.is_some());
            if is_over || patience < Instant::now() {
                let _ = nginx.kill();
                let _ = nginx.wait();
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let dir = dir.to_owned();
    Some(Web { nginx, dir, ports })
}

fn write_pages(dir: &Path) {
    let root = dir.join("root");
    std::fs::create_dir_all(root.join("dir")).expect("a directory");
    let write = |name: &str, text: &str| std::fs::write(root.join(name), text).expect("written");
    write(
        "index.html",
        "<html>\n<title>Welcome home</title>\n<p>All systems OK: 42 of 42.\n</html>\n",
    );
    write("empty", "");
    write("big", &"0123456789abcde\n".repeat(20_000));
    write("dir/index.html", "in a directory\n");
    write("secret", "behind a password\n");
    write("../passwords", "user:{PLAIN}pass\n");
}

fn config(dir: &Path, ports: &BTreeMap<String, u16>) -> String {
    let dir = dir.display();
    let plain = ports["web"];
    let good = ports["web_good"];
    let closed = 1;
    let locations = format!(
        r#"
        root {dir}/root;
        location / {{ }}
        location /secret {{ auth_basic "closed"; auth_basic_user_file {dir}/passwords; }}
        location = /301 {{ return 301 http://127.0.0.1:{plain}/; }}
        location = /302 {{ return 302 /big; }}
        location = /303 {{ return 303 http://localhost:{plain}/dir/; }}
        location = /307 {{ return 307 https://127.0.0.1:{good}/; }}
        location = /totls {{ return 301 https://good.example:{good}/; }}
        location = /toclosed {{ return 302 http://127.0.0.1:{closed}/; }}
        location = /loop {{ return 302 /loop; }}
        location = /loopabs {{ return 302 $scheme://$host:$server_port/loopabs; }}
        location /deeper {{ rewrite ^(.*)$ $1x redirect; }}
        location = /401 {{ return 401; }}
        location = /403 {{ return 403; }}
        location = /404 {{ return 404 "nothing"; }}
        location = /410 {{ return 410; }}
        location = /418 {{ return 418; }}
        location = /500 {{ return 500; }}
        location = /502 {{ return 502; }}
        location = /503 {{ return 503 "later"; }}
        location = /204 {{ return 204; }}
        location = /method {{ return 200 "$request_method $http_host $http_user_agent $http_x $content_type $http_authorization $http_proxy_authorization $server_protocol\n"; }}
        location = /sni {{ return 200 "name <$ssl_server_name> $ssl_protocol client <$ssl_client_s_dn>\n"; }}
        "#
    );
    let mut servers = format!(
        r#"
    server {{ listen 127.0.0.1:{plain}; absolute_redirect off; {locations} }}
    server {{ listen 127.0.0.1:{plain}; server_name other.example; location / {{ return 200 "the other host\n"; }} }}
    server {{ listen [::1]:{web6}; {locations} }}
        "#,
        web6 = ports["web6"],
    );
    for (name, port) in ports.iter().filter(|(name, _)| name.starts_with("web_")) {
        let certificate = name.trim_start_matches("web_");
        servers += &format!(
            "server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {dir}/{certificate}.pem; ssl_certificate_key \
             {dir}/{certificate}.key; {locations} }}\n"
        );
    }
    // Answers only with a name, and then with another certificate.
    servers += &format!(
        "server {{ listen 127.0.0.1:{good} ssl; server_name sni.example; ssl_certificate {dir}/sni.pem; \
         ssl_certificate_key {dir}/sni.key; {locations} }}\n"
    );
    for (name, more) in [
        ("webtls12", "ssl_protocols TLSv1.2;"),
        ("webclient", "ssl_verify_client optional_no_ca;"),
    ] {
        let port = ports[name];
        servers += &format!(
            "server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {dir}/good.pem; ssl_certificate_key {dir}/good.key; \
             {more} {locations} }}\n"
        );
    }
    format!(
        "daemon off; master_process off; pid {dir}/nginx.pid; error_log stderr crit;\n\
         events {{ worker_connections 512; }}\n\
         http {{ access_log off; server_tokens off; client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; \
         fastcgi_temp_path {dir}/t3; uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;\n{servers}}}\n"
    )
}

impl Web {
    /// With the certificates.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn places(&self, places: &mut BTreeMap<String, String>) {
        for (name, port) in &self.ports {
            places.insert(name.clone(), port.to_string());
        }
        places.insert("webdir".to_owned(), self.dir.display().to_string());
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        let _ = self.nginx.kill();
        let _ = self.nginx.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
