import Foundation
import HTTPTypes
import Larder
import LarderInspector
import LarderWire

/// The document that says what can be asked for, written from the routes themselves.
enum OpenAPI {
    private typealias Object = [String: any Sendable]

    static func document(of routes: [Route]) -> Data {
        let itself = Route(
            method: .get, path: "/openapi.json", summary: "This document.", reply: "Document"
        ) { _ in .json(Data()) }
        let paths = Dictionary(grouping: routes + [itself], by: \.path).mapValues { routes in
            Object(
                uniqueKeysWithValues: routes.map {
                    ($0.method.rawValue.lowercased(), operation($0) as any Sendable)
                })
        }
        let document: Object = [
            "openapi": "3.1.0",
            "info": [
                "title": "Larder", "version": "\(Routes.version)",
                "description":
                    "A cache engine, looked into and changed. Durations are seconds, with fractions; "
                    + "sizes are bytes; instants are texts as in RFC 3339, in UTC, by the clock as it "
                    + "stood when the engine began: `wall` is what it says now. Of columns of "
                    + "numbers each time is in whole nanoseconds, and counts from the instant that "
                    + "the header Larder-Epoch says, in nanoseconds since 1970. How long locks were "
                    + "held is in nanoseconds, and what has a unit in its name in that.",
            ] as Object,
            "paths": paths, "components": ["schemas": schemas] as Object,
        ]
        // It is made of literals, so it can be written.
        return try! JSONSerialization.data(
            withJSONObject: document,
            options: [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes])
    }

    private static func operation(_ route: Route) -> Object {
        let names = route.path.matches(of: /\{([a-z]+)\}/).map { String($0.1) }
        let inPath: [Object] = names.map {
            [
                "name": $0, "in": "path", "required": true,
                "schema": ["type": "string", "minLength": 1] as Object,
            ]
        }
        let inQuery: [Object] = route.query.map { parameter in
            var schema: Object = ["type": parameter.type]
            if !parameter.values.isEmpty { schema["enum"] = parameter.values }
            if parameter.name == "since" {
                schema["pattern"] =
                    "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3])"
                    + ":[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?Z$"
            }
            if parameter.name == "columns" {
                let column = EntryColumn.allCases.map(\.rawValue).joined(separator: "|")
                schema["pattern"] = "^(\(column))(,(\(column)))*$"
            }
            if route.reply == "WhatIf", let pattern = WhatIfBounds.patterns[parameter.name] {
                schema["pattern"] = pattern
            }
            if parameter.type == "integer" {
                schema["minimum"] =
                    ["every": 50, "width": 100, "count": 1, "window": 1][parameter.name] ?? 0
                schema["maximum"] =
                    [
                        "width": 86_400_000, "count": 1000,
                        "limit": ["Page", "Look"].contains(route.reply)
                            ? Limits.mostEntries : 100_000,
                        "every": 60_000, "window": 3600,
                        "offset": Routes.largestOffset,
                    ][parameter.name] ?? Int.max
            }
            return [
                "name": parameter.name, "in": "query", "required": false,
                "description": parameter.about, "schema": schema,
            ]
        }
        var operation: Object = [
            "summary": route.summary, "parameters": inPath + inQuery + headers(route),
            "responses": responses(route),
        ]
        if let body = route.body {
            operation["requestBody"] =
                [
                    "required": body != "Application",
                    "content": [
                        "application/json": ["schema": reference(body)] as Object
                    ] as Object,
                ] as Object
        }
        return operation
    }

    private static func isStream(_ route: Route) -> Bool {
        route.query.contains { $0.name == "after" }
    }

    /// Up to 500 characters, each as it is or, as UTF-8, in percent encoding.
    private static let reason: String = {
        let (hex, more) = ("[0-9A-Fa-f]", "%[89ABab][0-9A-Fa-f]")
        let characters = [
            "[^%]", "%[0-7]\(hex)", "%([Cc][2-9A-Fa-f]|[Dd]\(hex))\(more)",
            "%[Ee]0%[ABab]\(hex)\(more)", "%[Ee][1-9A-Ca-cEeFf]\(more)\(more)",
            "%[Ee][Dd]%[89]\(hex)\(more)", "%[Ff]4%8\(hex)\(more)\(more)",
            "%[Ff]0%[9ABab]\(hex)\(more)\(more)", "%[Ff][1-3]\(more)\(more)\(more)",
        ]
        return "^(\(characters.joined(separator: "|"))){0,500}$"
    }()

    private static func headers(_ route: Route) -> [Object] {
        var headers: [Object] = []
        if route.changes {
            headers.append([
                "name": "Larder-Reason", "in": "header", "required": false,
                "schema": ["type": "string", "pattern": reason] as Object,
                "description": "Why, in percent encoding; it stands in events and changes.",
            ])
        }
        if isStream(route) {
            headers.append([
                "name": "Last-Event-ID", "in": "header", "required": false,
                "description": "The id of the last event that was read of a stream.",
                "schema": ["type": "string", "pattern": "^(([0-9a-f]{1,16}-)?[0-9]{1,18})?$"]
                    as Object,
            ])
        }
        return headers
    }

    private static let instance: Object = [
        "Larder-Instance": [
            "description": "The run of the engine that answers.", "schema": text,
        ] as Object
    ]

    private static func responses(_ route: Route) -> Object {
        var content: Object = [:]
        if let reply = route.reply {
            content["application/json"] = ["schema": reference(reply)] as Object
        } else {
            content["text/plain"] = ["schema": ["type": "string"] as Object] as Object
        }
        if isStream(route) {
            content["text/event-stream"] = ["schema": ["type": "string"] as Object] as Object
        }
        var responses: Object = [
            "200": ["description": "Done.", "headers": instance, "content": content] as Object
        ]
        let refusals = [
            ("400", "What was asked for makes no sense."), ("403", "Not for this peer."),
            ("404", "It is not there."), ("405", "Not with this method."),
            ("408", "The body did not come in time."), ("409", "It was refused as things stand."),
            ("413", "The body is too large."),
            ("429", "So much of this peer's waits to be read, or is being followed, already."),
            ("503", "There are as many connections as there may be."),
        ]
        for (status, meaning) in refusals {
            var headers = instance
            if status == "405" {
                headers["Allow"] =
                    ["description": "The methods there are.", "schema": text] as Object
            }
            responses[status] =
                [
                    "description": meaning, "headers": headers,
                    "content": ["application/json": ["schema": reference("Error")] as Object]
                        as Object,
                ] as Object
        }
        return responses
    }

    private static func reference(_ name: String) -> Object {
        ["$ref": "#/components/schemas/\(name)"]
    }

    private static func object(_ properties: Object, required: [String] = []) -> Object {
        ["type": "object", "properties": properties, "required": required]
    }

    private static let whole: Object = ["type": "integer", "minimum": 0]
    /// A whole number, or nothing.
    private static let perhapsWhole: Object = [
        "type": ["integer", "null"], "minimum": 0, "maximum": Int.max,
    ]
    private static let seconds: Object = [
        "type": ["number", "null"], "minimum": 0, "maximum": 9e9, "description": "Seconds.",
    ]
    private static let share: Object = ["type": "number", "minimum": 0, "maximum": 1]
    private static let amount: Object = ["type": "number", "minimum": 0]
    private static let perhapsText: Object = ["type": ["string", "null"]]
    private static let text: Object = ["type": "string"]
    private static let column: Object = [
        "type": "array", "items": ["type": ["integer", "null"], "minimum": 0] as Object,
    ]
    private static let historyColumns = [
        "at", "hits", "misses", "coalesced", "refused", "fetched", "failed", "evicted", "expired",
        "invalidated", "replaced", "count", "bytes", "maxsize", "maxbytes", "ttl",
    ]
    private static let time: Object = ["type": "string", "format": "date-time"]

    /// Requests are described in full, replies as far as can be relied upon.
    private static let schemas: Object = [
        "Error": object(["error": text], required: ["error"]),
        "Document": ["type": "object"] as Object,
        "Report": object(
            [
                "instance": text, "name": text, "caches": ["type": "array"] as Object,
                "wall": time,
            ],
            required: ["instance", "name", "pid", "at", "caches", "memory"]),
        "Caches": [
            "type": "array", "items": object(["name": text], required: ["name", "snapshot"]),
        ]
            as Object,
        "Page": object(
            ["rows": ["type": "array"] as Object, "matched": whole, "total": whole],
            required: ["at", "rows", "matched", "total"]),
        "Matching": object(
            [:], required: ["caches", "cache", "key", "version"]),
        "Look": object(["mark": text], required: ["at", "report", "mark"]),
        "EntryDetail": object([:], required: ["row", "value"]),
        "Changes": [
            "type": "array",
            "items": object(
                ["time": time, "missed": whole],
                required: ["number", "plan", "what", "by", "time"]),
        ] as Object,
        "Forecast": object([:], required: ["at", "width", "count", "caches"]),
        "WhatIf": object(
            [
                "cache": text, "basis": object([:], required: ["window", "lookups", "rate"]),
                "present": reference("WhatIfPoint"),
                "points": ["type": "array", "items": reference("WhatIfPoint")] as Object,
                "policies": ["type": "array", "items": reference("WhatIfPoint")] as Object,
                "kept": ["type": "array", "items": reference("Calibration")] as Object,
                "firstFetches": ["type": "number"] as Object,
            ], required: ["cache", "at", "basis", "present", "points", "policies", "kept"]),
        "WhatIfPoint": object(
            [
                "hitRatio": share, "hitRatioError": share, "fetchesPerSecond": amount,
                "fetchesPerSecondError": amount, "entries": whole, "bytes": whole,
                "bytesError": whole,
            ],
            required: [
                "bounds", "hitRatio", "hitRatioError", "fetchesPerSecond", "fetchesPerSecondError",
                "entries", "bytes", "bytesError",
            ]),
        "Calibration": object(
            [
                "cache": text, "said": share, "saidError": share, "instead": share, "came": share,
                "cameError": share, "isOvertaken": ["type": "boolean"] as Object,
            ],
            required: [
                "cache", "at", "due", "bounds", "said", "saidError", "isOvertaken",
            ]),
        "EventLog": object(
            ["events": ["type": "array"] as Object, "dropped": whole],
            required: ["events", "dropped"]),
        "History": object(
            Object(uniqueKeysWithValues: historyColumns.map { ($0, column as any Sendable) }),
            required: ["cache", "instance", "now"] + historyColumns),
        "Gateway": object(
            ["url": text, "token": text, "region": text, "isDemo": ["type": "boolean"] as Object],
            required: ["url", "token", "region", "isDemo"]),
        "FetchResult": object([:], required: ["id", "wasHit", "value"]),
        "Verification": object([:], required: ["id"]),
        "Plan": object(
            [
                "id": text, "entries": whole, "bytes": whole, "fetches": whole, "unnamed": whole,
                "failures": whole, "undoable": perhapsWhole,
            ],
            required: ["id", "instance", "change", "entries", "bytes", "victims", "skipped"]),
        "Outcome": object(
            [
                "removed": whole, "bytes": whole, "restored": whole, "unnamed": whole,
                "forgotten": whole, "softened": whole,
                "warning": perhapsText,
            ],
            required: ["removed", "bytes", "skipped"]),
        "Progress": object(["state": text], required: ["state", "share", "outcome"]),
        "Configuration": object(
            [
                "maxsize": [
                    "type": ["integer", "null"], "minimum": 0,
                    "maximum": CacheConfiguration.largestMaxsize,
                ] as Object, "maxbytes": perhapsWhole, "ttl": seconds,
                "jitter": ["type": ["number", "null"], "minimum": 0, "maximum": 1] as Object,
                "policy": [
                    "type": ["string", "null"],
                    "pattern":
                        "^(lru|fifo|lfu(,age=none)?|rr(,seed=[0-9]{1,18})?|sieve|s3fifo|tinylfu)$",
                ] as Object, "staleIfError": seconds, "negativeTTL": seconds,
            ]),
        "SeenEntry": object(
            [
                "id": object(["cache": text, "key": text], required: ["cache", "key"]),
                "version": perhapsWhole,
            ], required: ["id"]),
        "Application": object([
            "spread": seconds, "lasting": seconds, "confirmation": perhapsText,
        ]),
        "Change": [
            "type": "object", "minProperties": 1, "maxProperties": 1,
            "additionalProperties": false,
            "properties": [
                "invalidate": ["type": "array", "items": reference("SeenEntry")] as Object,
                "soften": ["type": "array", "items": reference("SeenEntry")] as Object,
                "invalidateAll": text,
                "configure": object(
                    ["cache": text, "to": reference("Configuration")], required: ["cache", "to"]),
                "all": ["type": "array", "items": reference("Change")] as Object,
            ] as Object,
        ] as Object,
    ]
}
