import TestSupport

/// Profile files of lines that a parser may take in more than one way.
func randomFiles() -> [String] {
    var random = Fuzz.random("profile files", usually: 1)
    return (0..<Fuzz.count(usually: 400)).map { _ in randomFile(&random) }
}

private func randomFile(_ random: inout Seeded) -> String {
    // Most files hold only what can be read, or hardly one would be.
    let isWild = Int.random(in: 0..<4, using: &random) == 0
    var text = isWild ? "" : "[default]\n"
    for number in 0..<Int.random(in: 0...12, using: &random) {
        text += line(number, isWild, &random)
        text += ["\n", "\n", "\n", "\r\n", "\r", "\n\n"].randomElement(using: &random)!
    }
    // The mark that Windows writes before the first line is an error there, and passed over here.
    return String(text.unicodeScalars.drop { $0 == "\u{feff}" })
}

private func line(_ number: Int, _ isWild: Bool, _ random: inout Seeded) -> String {
    let indent = ["", "", "", " ", "  ", "\t", "\u{a0}"].randomElement(using: &random)!
    // Names are numbered, because one that stands there twice spoils the whole file.
    let known = [
        "aws_session_token", "aws_security_token", "use_fips_endpoint", "ca_bundle",
        "max_attempts", "sts_regional_endpoints", "login_session", "x_principal_arn", "retry_mode",
    ]
    let name = [
        "key\(number)", "Key \(number)", "schlüssel\(number)", known[number % known.count],
    ].randomElement(using: &random)!
    let value = ["", "v", "a = b", "x # y", "x;y", "[z]", "w\u{301}", "“ü”", "a:b", "'q"]
        .randomElement(using: &random)!
    let sign = ["=", " = ", ":", " : ", "=\t", " =\u{301}"].randomElement(using: &random)!
    let wild = [
        "[", "[]", "word", "= v", ":", "[default]", "[DEFAULT]", "[profile default]", "]x[",
        "\u{feff}",
        "key1 = again", "[default] # c",
    ]
    let section = [
        "[profile p\(number)]", "[profile \"q \(number)\"]", "[ profile r\(number) ]",
        "[services s\(number)]",
        "[sso-session t\(number)]", "[other\(number)]", "[profile'u\(number)]", "[profile a b]",
        "[profile v\(number)] rest", "[profile w]\(number)]", "[profiles x\(number)]",
    ]
    switch Int.random(in: 0..<(isWild ? 12 : 10), using: &random) {
    case 0: return indent + ["# c", ";c = d", "#"].randomElement(using: &random)!
    case 1: return indent
    case 2, 3: return indent + section.randomElement(using: &random)!
    case 4, 5: return "\(name) =" + "\n  sub\(number) = \(value)" + "\n  Other= x = y"
    case 10, 11: return indent + wild.randomElement(using: &random)!
    default: return indent + name + sign + value
    }
}

/// Command lines of quotes, blanks and backslashes.
func randomCommands() -> [String] {
    var random = Fuzz.random("command lines", usually: 2)
    let parts = [
        "a", "b c", " ", "\t", "'", "\"", "\\", "\\\"", "''", "é\u{301}", "$x", "#", "\n", "~",
    ]
    return (0..<Fuzz.count(usually: 600)).map { number in
        let line = (0..<Int.random(in: 0...8, using: &random))
            .map { _ in parts.randomElement(using: &random)! }.joined()
        // By chance alone few quotations would have an end.
        return [line, "\"\(line)\"", "'\(line)'"][number % 3]
    }
}

/// Variables that may name a proxy, or exempt from it, and an address.
func randomProxies() -> [(environment: [String: String], url: String)] {
    var random = Fuzz.random("proxies", usually: 5)
    let proxies = [
        "", "proxy", "proxy:3128", "http://proxy.example:8080", "//proxy:1", "http://u:p@proxy:81",
        "http://u@proxy", "u:p%40%3a@proxy:82/path", "http://[::1]:3128", "http://u:@proxy:3",
        "http://a:b@c:d@proxy:4",
    ]
    let exceptions = [
        "", "*", " *", "amazonaws.com", ".amazonaws.com", "..com",
        "dynamodb.eu-west-1.amazonaws.com",
        "onaws.com", "127.0.0.1", "127.0.0.0/8", "127.0.0.1:5000", "localhost", "LOCALHOST:80",
        "::1",
        "[::1]", ".", ",", "*.amazonaws.com", "amazonaws.com:443", "5000", "0.0.1",
    ]
    let urls = [
        "https://dynamodb.eu-west-1.amazonaws.com/", "https://amazonaws.com/",
        "http://127.0.0.1:5000/", "http://localhost/", "http://[::1]:8000/x",
        "https://LocalHost:80/",
        "https://dynamodb.eu-west-1.amazonaws.com:443/", "https://notamazonaws.com/",
    ]
    return (0..<Fuzz.count(usually: 1500)).map { _ in
        var environment: [String: String] = [:]
        for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"]
        where Int.random(in: 0..<3, using: &random) == 0 {
            environment[name] = proxies.randomElement(using: &random)!
        }
        for name in ["NO_PROXY", "no_proxy"] where Bool.random(using: &random) {
            environment[name] = (0...Int.random(in: 0...2, using: &random)).map { _ in
                exceptions.randomElement(using: &random)!
            }.joined(separator: [",", ", ", " , "].randomElement(using: &random)!)
        }
        if Int.random(in: 0..<9, using: &random) == 0 { environment["REQUEST_METHOD"] = "GET" }
        return (environment, urls.randomElement(using: &random)!)
    }
}

/// Paths with homes and variables in them.
func randomPaths() -> [(environment: [String: String], path: String)] {
    var random = Fuzz.random("paths", usually: 6)
    let parts = [
        "~", "~root", "~nobody-here", "$HOME", "${HOME}", "$NONE", "${NO", "$", "/", "//", "a", "é",
        ".aws", "${}", "$A_1", "$$", "~/", "{", "}", " ",
    ]
    return (0..<Fuzz.count(usually: 1500)).map { number in
        let path = (0...Int.random(in: 0...5, using: &random)).map { _ in
            parts.randomElement(using: &random)!
        }.joined()
        let homes = ["/home/me", "/", "/home/me//", "~root", "$A_1"]
        return (["HOME": homes[number % homes.count], "A_1": "x$HOME"], path)
    }
}

/// Moments as programs write them, and what is none.
func randomTimes() -> [String] {
    var random = Fuzz.random("times", usually: 7)
    func pick(_ texts: [String]) -> String { texts.randomElement(using: &random)! }
    func two(_ range: ClosedRange<Int>) -> String {
        let number = Int.random(in: range, using: &random)
        return number < 10 ? "0\(number)" : "\(number)"
    }
    let months = [
        "Jan", "February", "mar", "APR", "May", "June", "Jul", "Aug", "Sept", "Oct", "nov",
        "December",
    ]
    let days = ["Mon", "Tuesday", "wed", "Thu", "FRI", "Sat", "Sunday"]
    func date() -> String {
        let (year, short) = (
            pick(["2026", "2031", "1999", "0026"]), pick(["26", "31", "99", "70"])
        )
        let (month, day, name) = (two(1...12), two(1...31), pick(months))
        let plain = pick([day, String(Int(day)!)])
        return pick([
            "\(year)-\(month)-\(day)", "\(year)/\(month)/\(day)", "\(year)\(month)\(day)",
            "\(year).\(month).\(day)", "\(day).\(month).\(year)", "\(month)/\(day)/\(year)",
            "\(month)/\(day)/\(short)", "\(day)-\(name)-\(year)", "\(plain) \(name) \(year)",
            "\(pick(days)), \(plain) \(name) \(year)", "\(name) \(plain), \(year)",
            "\(name) \(plain) \(year)", "\(pick(days)) \(name) \(plain) \(year)",
            "\(short)-\(month)-\(day)", "\(plain)th of \(name) \(year)", "\(year)-\(name)-\(day)",
            "\(year)-\(month)-\(day)", "\(year)-\(month)-\(day)", "\(year)-\(month)",
            "\(name) of \(year)",
        ])
    }
    func time() -> String {
        let (hour, minute, second) = (two(0...24), two(0...60), two(0...60))
        return pick([
            "\(hour):\(minute):\(second)", "\(hour):\(minute):\(second)", "\(hour):\(minute)",
            "\(hour):\(minute):\(second).\(two(0...99))", "\(hour)\(minute)\(second)",
            "\(hour):\(minute):\(second).123456789", "\(hour):\(minute):\(second),5",
            "\(Int(hour)!):\(minute) PM", "\(Int(hour)!):\(minute):\(second) am",
            "\(hour)h\(minute)m\(second)s", "\(hour)h \(minute)m", "\(hour):\(minute).5",
            "\(hour)\(minute)", "\(Int(hour)!)pm", "\(hour) h \(minute)",
            "\(hour)\(minute)\(second).5",
        ])
    }
    func zone() -> String {
        pick([
            "Z", "z", "+00:00", "-00:00", "+0000", "-0800", "+05:30", " UTC", " GMT", "UTC", " Z",
            " +0200", "+02", " UTC+3", " GMT-0330", " -0500 (EST)", "", " utc", " XYZ", "-25:00",
            "+2", " EST", "+00:00", "Z",
        ])
    }
    let odd = [
        "", " ", "now", "Z", "1795423058", "1795423058.5", "2026", "10:30Z", "T10Z", "nan",
        "infinity",
        "2026-11-23T", "2026-11-23T08:37:38Zx", "2026-W48-1T00:00Z", "é2026-11-23T00:00Z", "--",
        "::",
        "2026-11-23 08:37:38 +", "99999999999999999999999999 Z", "20261123T083738Z",
        "20261123083738Z",
        "202611230837Z", "Thu Nov 26 09:58:32 UTC 2026", "Thu Nov 26 09:58:32 2026 UTC", "\u{0}",
        "2026-11-23 08:37:38.000001+00:00:30", "2026-11-23T08:37:38.1234567890123Z",
    ]
    let made = (0..<Fuzz.count(usually: 6000)).map { _ in
        switch Int.random(in: 0..<12, using: &random) {
        case 0: time() + zone() + " " + date()
        case 1: date() + time() + zone()
        case 2: date() + "T" + time() + zone()
        case 3:
            pick(days) + " " + pick(months) + " " + two(1...31) + " " + time() + zone() + " 2026"
        default: date() + pick(["T", " ", " ", " at ", ", ", "  "]) + time() + zone()
        }
    }
    // Two at random swapped, doubled or lost, so that a rule shows where it ends.
    let torn = made.prefix(made.count / 4).map { text in
        var text = Array(text)
        guard text.count > 2 else { return String(text) }
        let place = Int.random(in: 0..<text.count - 1, using: &random)
        switch place % 3 {
        case 0: text.swapAt(place, place + 1)
        case 1: text.remove(at: place)
        default: text.insert(text[place], at: place)
        }
        return String(text)
    }
    return odd + made + torn
}

/// Profiles and environments of settings that stand beside each other by chance.
func randomCases() -> [ConfigurationTests.Case] {
    var random = Fuzz.random("profiles and environments", usually: 8)
    func some(_ lines: [String], _ share: Int) -> String {
        lines.filter { _ in Int.random(in: 0..<10, using: &random) < share }.joined()
    }
    func pick(_ texts: String...) -> String { texts.randomElement(using: &random)! }
    let role = "role_arn = arn:aws:iam::222222222222:role/reader\n"
    return (0..<120).map { number in
        func keys(_ id: String) -> String {
            pick(
                "aws_access_key_id = \(id)\naws_secret_access_key = s\(id)\n",
                "aws_access_key_id = \(id)\naws_secret_access_key = s\(id)\n",
                "aws_access_key_id = \(id)\n", "")
                + some(
                    [
                        "aws_session_token =\(pick("", " new"))\n",
                        "aws_security_token =\(pick("", " old"))\n", "x_principal_arn = x\n",
                        "aws_expiration = soon\n",
                    ], 2)
        }
        let variables = [
            "AWS_ACCESS_KEY_ID": pick("", "AKIAENV"), "AWS_SECRET_ACCESS_KEY": pick("", "env"),
            "AWS_SESSION_TOKEN": pick("", "new"), "AWS_SECURITY_TOKEN": pick("", "old"),
            "AWS_CREDENTIAL_EXPIRATION": pick("", "2096-01-01T00:00:00Z", "1999-01-01 00:00+02"),
            "AWS_USE_FIPS_ENDPOINT": pick("true", "false", "TRUE"),
            "AWS_USE_DUALSTACK_ENDPOINT": pick("true", "False"),
            "AWS_DEFAULT_REGION": pick("us-west-2", "cn-north-1"),
            "AWS_MAX_ATTEMPTS": pick("1", "5"), "AWS_STS_REGIONAL_ENDPOINTS": pick("legacy"),
            "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:4",
        ].filter { _ in Int.random(in: 0..<10, using: &random) < 3 }
        let config =
            "[default]\nregion = \(pick("eu-west-1", "us-east-1", "eusc-de-east-1"))\n"
            + keys("AKIACONFIG")
            + some(
                [
                    role + pick("source_profile = p\n", "credential_source = Environment\n"),
                    "credential_process = PROGRAM \(pick("good", "session", "python", "fail"))\n",
                    "output = json\n", "use_fips_endpoint = \(pick("true", "false"))\n",
                    "use_dualstack_endpoint = \(pick("true", "false"))\n", "max_attempts = 2\n",
                    "sts_regional_endpoints = regional\n", "external_id = ext\n",
                    "endpoint_url = http://127.0.0.1:5\n",
                ], 3) + "[profile p]\n" + keys("AKIASOURCE")
            + some(["credential_process = PROGRAM good\n"], 2)
        return ConfigurationTests.Case(
            name: "\(number): \(variables)\n\(config)", config: config,
            credentials: some(["[default]\n" + keys("AKIAFILE")], 5)
                + some(["[p]\n" + keys("AKIAOTHER")], 3),
            environment: variables)
    }
}

/// Texts that stand nowhere, for whoever reads what others wrote.
func randomTexts() -> [String] {
    var random = Fuzz.random("texts of others", usually: 9)
    let parts = [
        "0", "1", "9", "26", "2026", "99999999999999999999", "-", "+", ":", "/", ".", ",", " ", "T",
        "Z", "am", "pm", "h", "m", "s", "Jan", "of", "UTC", "(", ")", "@", "%40", "%", "[", "]",
        "::",
        "http://", "#", "?", "~", "$", "{", "}", "$HOME", "é", "e\u{301}", "\u{0}", "\r\n",
        "\u{202e}",
        "😀", "x", "",
    ]
    return (0..<Fuzz.count(usually: 40_000)).map { _ in
        (0..<Int.random(in: 0...12, using: &random)).map { _ in
            parts.randomElement(using: &random)!
        }.joined()
    }
}
