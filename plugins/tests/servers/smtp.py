# Real mail servers for the conformance test. Arguments: a certificate's chain, its key, and the ports of: one without
# TLS, one with STARTTLS, one that wants it before anything else, one that speaks LMTP. Ends with its standard input.
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import AuthResult


def authenticate(server, session, envelope, mechanism, data):
    right = data.login == b"user" and data.password == b"secret"
    return AuthResult(success=right, handled=False)


class Lmtp(Controller):
    def factory(self):
        return LMTP(self.handler, hostname="lmtp.example")


certificate, key, plain, tls, strict, lmtp = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
auth = {"authenticator": authenticate, "auth_require_tls": False}


def start(kind, port, **settings):
    kind(Sink(), hostname="127.0.0.1", port=int(port), server_hostname="mail.example", **settings).start()


start(Controller, plain, **auth)
start(Controller, tls, tls_context=context, **auth)
start(Controller, strict, tls_context=context, require_starttls=True)
Lmtp(Sink(), hostname="127.0.0.1", port=int(lmtp)).start()
sys.stdin.read()
