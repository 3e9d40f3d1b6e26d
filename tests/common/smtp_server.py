"""A real SMTP server (aiosmtpd) for the tests: keeps each mail as one JSON file, decoded by Python's own parser.

Usage: smtp_server.py DIRECTORY PORT [--starttls | --tls] [--cert FILE --key FILE] [--user NAME --password TEXT]
                      [--refuse-once CODE] [--refuse-to ADDRESS] [--pipe NAME WORD WORD...]

--pipe hands mails for NAME, with or without a +DETAIL, to a command, as an alias of Postfix does.
"""

import argparse
import asyncio
import email
import email.policy
import itertools
import json
import os
import ssl

from aiosmtpd.smtp import SMTP, AuthResult

words = argparse.ArgumentParser()
words.add_argument("directory")
words.add_argument("port", type=int)
words.add_argument("--starttls", action="store_true")
words.add_argument("--tls", action="store_true")
words.add_argument("--cert")
words.add_argument("--key")
words.add_argument("--user")
words.add_argument("--password")
words.add_argument("--refuse-once", type=int)
words.add_argument("--refuse-to")
words.add_argument("--pipe", nargs=argparse.REMAINDER, default=[])
wanted = words.parse_args()


class Keeper:
    def __init__(self):
        self.numbers = itertools.count(1)
        self.refused = False

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == wanted.refuse_to:
            return "550 5.1.1 no such mailbox here"
        if wanted.refuse_once and not self.refused:
            self.refused = True
            return f"{wanted.refuse_once} 4.7.1 greylisted, come again"
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server, session, envelope):
        if wanted.pipe and envelope.rcpt_tos[0].split("@")[0].split("+")[0].lower() == wanted.pipe[0]:
            return await pipe(envelope)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = {
            part.get_content_type(): part.get_content()
            for part in mail.walk()
            if not part.is_multipart()
        }
        kept = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None,
            "user": session.auth_data,
            "headers": {name.lower(): str(value) for name, value in mail.items()},
            "type": mail.get_content_type(),
            "text": parts.get("text/plain"),
            "html": parts.get("text/html"),
            "defects": [str(defect) for part in mail.walk() for defect in part.defects],
        }
        number = next(self.numbers)
        draft = os.path.join(wanted.directory, f".{number}.draft")
        with open(draft, "w", encoding="utf-8") as file:
            json.dump(kept, file)
        os.rename(draft, os.path.join(wanted.directory, f"{number:04}.json"))
        return f"250 kept as number {number}"


async def pipe(envelope):
    """Answers as Postfix would go on: delivered, kept in the queue, or returned with what the command printed."""
    head = f"Return-Path: <{envelope.mail_from}>\nX-Original-To: {envelope.rcpt_tos[0]}\n"
    run = await asyncio.create_subprocess_exec(
        *wanted.pipe[1:],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await run.communicate(head.encode() + envelope.content.replace(b"\r\n", b"\n"))
    said = " ".join((out + err).decode().split())
    code = {0: 250, 75: 451}.get(run.returncode, 550)
    return f"{code} exit {run.returncode}: {said}"


def check(server, session, envelope, mechanism, data):
    good = data.login == wanted.user.encode() and data.password == wanted.password.encode()
    return AuthResult(success=good, handled=False, auth_data=wanted.user if good else None)


async def serve():
    context = None
    if wanted.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(wanted.cert, wanted.key)
    keeper = Keeper()
    login = dict(authenticator=check, auth_required=True) if wanted.user else {}
    if login and not (wanted.starttls or wanted.tls):
        login["auth_require_tls"] = False
    if wanted.tls:
        # aiosmtpd knows only STARTTLS as protection; here the connection is protected from its first byte.
        login["auth_require_tls"] = False

    def session():
        return SMTP(
            keeper,
            hostname="mail.example.test",
            tls_context=context if wanted.starttls else None,
            require_starttls=wanted.starttls,
            **login,
        )

    server = await asyncio.get_running_loop().create_server(
        session, "127.0.0.1", wanted.port, ssl=context if wanted.tls else None
    )
    await server.serve_forever()


asyncio.run(serve())
