"""A proxy, and behind it a DynamoDB that speaks TLS with a certificate of its own authority.

Prints one line of JSON once it is ready: the authority's file, and the ports of a proxy that takes
everybody, of one that wants to be told who asks, and of the service without a proxy. Ends when its
standard input does. The item that it answers tells what the proxy was told.

With a port as its argument, "front" speaks TLS for the plain service at that port: what becomes of a
connection to that one becomes of the client's.
"""
import datetime
import json
import os
import select
import socket
import ssl
import struct
import sys
import tempfile
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOSTS = ["localhost"] + [f"{service}.us-east-1.amazonaws.com"
                         for service in ("dynamodb", "dynamodb-fips", "sts")]
folder = tempfile.mkdtemp()


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, key, issuer, issuer_key, extension, critical):
    now = datetime.datetime.now(datetime.timezone.utc)
    return (x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(extension, critical).sign(issuer_key, hashes.SHA256()))


def write(file, *parts):
    path = os.path.join(folder, file)
    with open(path, "wb") as out:
        for part in parts:
            out.write(part)
    return path


authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
authority = certificate("authority", authority_key, "authority", authority_key,
                        x509.BasicConstraints(ca=True, path_length=None), True)
own = certificate("service", key, "authority", authority_key,
                  x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), False)
pem = serialization.Encoding.PEM
authority_file = write("authority.pem", b"# The tests' own authority.\n",
                       authority.public_bytes(pem))
chain = write("service.pem", own.public_bytes(pem),
              key.private_bytes(pem, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption()))
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(chain)


def head(connection):
    """The lines of a request's head, and what came after it; None at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None, b""
        data += more
    text, rest = data.split(b"\r\n\r\n", 1)
    return text.decode().split("\r\n"), rest


def header(lines, wanted):
    for line in lines[1:]:
        field, _, value = line.partition(":")
        if field.lower() == wanted:
            return value.strip()
    return ""


def serve(connection, told):
    """Answers every request on a connection with an item."""
    with context.wrap_socket(connection, server_side=True) as secure:
        while True:
            lines, body = head(secure)
            if lines is None:
                return
            while len(body) < int(header(lines, "content-length") or 0):
                body += secure.recv(65536)
            item = {"host": header(lines, "host"), "connect": told[0].split(" ")[-2],
                    "authorization": header(told, "proxy-authorization")}
            answer = json.dumps({"Item": {key: {"S": value} for key, value in item.items()}})
            secure.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n\r\n{answer}"
                           .encode())


def proxy(connection, is_strict):
    lines, _ = head(connection)
    if lines is None:
        return
    if is_strict and not header(lines, "proxy-authorization"):
        connection.sendall(b"HTTP/1.1 407 Who asks\r\nContent-Length: 0\r\n\r\n")
    elif not lines[0].startswith("CONNECT "):
        connection.sendall(b"HTTP/1.1 405 Not so\r\nContent-Length: 0\r\n\r\n")
    elif "refused" in lines[0]:
        connection.sendall(b"HTTP/1.1 403 Not there\r\nContent-Length: 0\r\n\r\n")
    else:
        connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        serve(connection, lines)


def front(connection, port):
    """Passes on what comes, both ways; a reset is passed on, and an end without a word of TLS."""
    with (context.wrap_socket(connection, server_side=True) as secure,
          socket.create_connection(("127.0.0.1", port)) as plain):
        try:
            while True:
                ready = [secure] if secure.pending() else select.select([secure, plain], [], [])[0]
                for source, sink in [(secure, plain), (plain, secure)]:
                    if source in ready:
                        passed = source.recv(65536)
                        if not passed:
                            return
                        sink.sendall(passed)
        except ConnectionError:
            secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def listen(work):
    listener = socket.create_server(("127.0.0.1", 0))

    def one(connection):
        try:
            with connection:
                work(connection)
        except OSError:
            pass

    def loop():
        while True:
            threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()
    return listener.getsockname()[1]


plain_port = int(sys.argv[1]) if len(sys.argv) > 1 else None
print(json.dumps({"authority": authority_file,
                  "front": plain_port and listen(lambda connection: front(connection, plain_port)),
                  "proxy": listen(lambda connection: proxy(connection, False)),
                  "strict": listen(lambda connection: proxy(connection, True)),
                  "direct": listen(lambda connection: serve(connection, ["straight  x"]))}),
      flush=True)
sys.stdin.read()
for file in os.listdir(folder):
    os.unlink(os.path.join(folder, file))
os.rmdir(folder)
