import Foundation
import HTTPTypes
import Larder
import LarderInspector
import LarderWire

/// Everything that an engine answers.
struct Routes: Sendable {
    let inspector: any Inspector
    let isReadOnly: Bool
    let all: [Route]

    /// The version of the paths and of what is behind them.
    static let version = 1

    init(
        _ inspector: any Inspector, isReadOnly: Bool,
        gateway: (@Sendable () throws -> GatewayPass)? = nil
    ) {
        self.inspector = inspector
        self.isReadOnly = isReadOnly
        let routes =
            Self.looking(inspector, isReadOnly: isReadOnly) + [Self.opening(gateway)]
            + Self.planning(inspector, isReadOnly: isReadOnly)
            + Self.changing(inspector).filter { !isReadOnly || !$0.changes }
        let document = OpenAPI.document(of: routes)
        all =
            routes + [
                Route(
                    method: .get, path: "/openapi.json", summary: "This document.",
                    reply: "Document"
                ) { _ in .json(document) }
            ]
    }

    private static let pageQuery = [
        Route.Parameter(name: "cache", type: "string", about: "Only this cache."),
        Route.Parameter(
            name: "filter", type: "string",
            about: "What entries must be like, as people write it: a part of the key, comparisons."),
        Route.Parameter(
            name: "sort", type: "string", about: "The column to sort by.",
            values: EntryColumn.allCases.map(\.rawValue)),
        Route.Parameter(
            name: "order", type: "string", about: "Which way.", values: ["asc", "desc"]),
        Route.Parameter(name: "offset", type: "integer", about: "Entries to pass over."),
        Route.Parameter(name: "limit", type: "integer", about: "Most entries wanted."),
        Route.Parameter(
            name: "columns", type: "string",
            about: "Only these columns, with commas between them; times as what is left or passed. "
                + EntryColumn.allCases.map { "\($0.rawValue): \($0.about)." }.joined(separator: " ")
        ),
    ]

    /// The columns that a request names.
    private static func columns(_ text: String) throws -> [EntryColumn] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { name in
            do { return try EntryColumn(named: String(name)) } catch {
                throw Refusal(.badRequest, "columns: \(error)")
            }
        }
    }

    /// The page that a request asks for.
    private static func page(_ asked: Asked) throws -> EntryQuery {
        var query = EntryQuery()
        query.caches = asked.query["cache"].map { [$0] } ?? []
        query.filter = asked.query["filter"] ?? ""
        if let sort = asked.query["sort"] {
            do { query.sort = try EntryColumn(named: sort) } catch {
                throw Refusal(.badRequest, "sort: \(error)")
            }
        }
        switch asked.query["order"] {
        case nil, "asc": query.descending = false
        case "desc": query.descending = true
        default: throw Refusal(.badRequest, "order is asc or desc")
        }
        query.offset = try asked.number("offset", 0...largestOffset, default: 0)
        query.limit = try asked.number("limit", 0...Limits.mostEntries, default: 50)
        return query
    }

    private static func report(_ report: EngineReport, _ isReadOnly: Bool) -> EngineReport {
        var report = report
        report.isReadOnly = report.isReadOnly || isReadOnly
        return report
    }

    /// A page of which only some columns are wanted.
    private struct Columns: Encodable {
        var at: AgeInstant
        var rows: [Shown]
        var matched: Int
        var total: Int

        init(_ page: EntryPage, _ columns: [EntryColumn]) {
            at = page.at
            rows = page.rows.map { row in
                .fields(columns.map { .init($0.rawValue, $0.value(of: row, at: page.at)) })
            }
            matched = page.matched
            total = page.total
        }
    }

    /// What is passed over has to be ranked all the same.
    static let largestOffset = 1_000_000

    private static func looking(_ inspector: any Inspector, isReadOnly: Bool) -> [Route] {
        [
            Route(method: .get, path: "/healthz", summary: "Whether the engine answers.") { _ in
                _ = try await inspector.report()
                return .text("ok\n", type: "text/plain; charset=utf-8")
            },
            Route(
                method: .get, path: "/metrics",
                summary:
                    "Counters and sizes, for Prometheus: its own text, or OpenMetrics where that is wanted."
            ) { asked in
                let form = MetricsText.Form(asked.accepted)
                return .text(MetricsText.text(try await inspector.report(), form), type: form.type)
            },
            Route(
                method: .get, path: "/v1/snapshot", summary: "The engine and every cache now.",
                reply: "Report"
            ) { _ in
                try .value(report(try await inspector.report(), isReadOnly))
            },
            Route(
                method: .get, path: "/v1/caches", summary: "Every cache now.", reply: "Caches"
            ) { _ in try .value(try await inspector.report().caches) },
            Route(
                method: .get, path: "/v1/caches/{cache}/configuration",
                summary: "The bounds of a cache.", reply: "Configuration"
            ) { asked in
                let cache = asked.parts["cache"]!
                guard
                    let found = try await inspector.report().caches.first(where: {
                        $0.name.isExactly(cache)
                    })
                else { throw Refusal(.notFound, "no cache is called \"\(cache)\"") }
                return try .value(found.snapshot.configuration)
            },
            Route(
                method: .get, path: "/v1/entries",
                summary: "A page of entries, as they are at one instant.", query: pageQuery,
                reply: "Page", isCostly: \.isOfManyEntries
            ) { asked in
                let query = try page(asked)
                let wanted = try asked.query["columns"].map(columns)
                let page = try await inspector.entries(query)
                guard let wanted else { return try .value(page) }
                return try .value(Columns(page, wanted))
            },
            Route(
                method: .get, path: "/v1/matching",
                summary:
                    "Every entry that passes a filter, as it is at one instant, each once: what a "
                    + "change of all of them is about.",
                query: pageQuery.filter { ["cache", "filter"].contains($0.name) },
                reply: "Matching", isCostly: { _ in true }
            ) { asked in
                try .value(MatchingColumns(try await inspector.matching(page(asked))))
            },
            Route(
                method: .get, path: "/v1/look",
                summary:
                    "The engine with every cache, and a page of entries, for somebody who asks again "
                    + "and again: a page that is still the same is left out.",
                query: pageQuery.filter { $0.name != "columns" } + [
                    .init(
                        name: "known", type: "string", about: "The mark of the page that is known.")
                ], reply: "Look", isCostly: \.isOfManyEntries
            ) { asked in
                let found = try await inspector.look(page(asked))
                return try .value(
                    Look(
                        report(found.report, isReadOnly), found.page,
                        known: asked.query["known"]))
            },
            Route(
                method: .get, path: "/v1/caches/{cache}/entries/{key}",
                summary: "One entry in full, its value as far as it may be seen.",
                reply: "EntryDetail"
            ) { asked in
                let id = EntryKey(cache: asked.parts["cache"]!, key: asked.parts["key"]!)
                guard let detail = try await inspector.entry(id) else {
                    throw Refusal(.notFound, "\(id.cache) holds no live entry \"\(id.key)\"")
                }
                return try .value(detail)
            },
            Route(
                method: .get, path: "/v1/caches/{cache}/events",
                summary:
                    "What happened in a cache, as a page; as a stream where text/event-stream is "
                    + "accepted, from Last-Event-ID on.",
                query: [
                    .init(name: "after", type: "integer", about: "Events numbered above this one."),
                    .init(name: "limit", type: "integer", about: "Most events of a page."),
                    .init(
                        name: "every", type: "integer",
                        about: "Milliseconds between two looks of a stream, 50 to 60000."),
                ], reply: "EventLog", isCostly: { $0.isOfManyEntries && !$0.wantsStream }
            ) { asked in
                let cache = asked.parts["cache"]!
                let after = try asked.last()
                let every = try asked.number("every", 50...60_000, default: 250)
                let limit = try asked.number("limit", 0...100_000, default: 1000)
                // That a cache is not there is told before a stream begins.
                let page = try await inspector.events(in: cache, after: after, limit: limit)
                guard asked.wantsStream else { return try .value(page) }
                return .events(
                    EventStream(
                        inspector: inspector, cache: cache, instance: asked.instance, after: after,
                        every: .milliseconds(every), lane: asked.lane))
            },
            Route(
                method: .get, path: "/v1/caches/{cache}/history",
                summary:
                    "How a cache was in the last hour, about a sample a second, column by column: "
                    + "what was counted until then, what was held, and the bounds. Where nobody "
                    + "looked for some seconds, nothing stands.",
                query: [
                    .init(
                        name: "since", type: "string",
                        about: "Samples after this instant, as in RFC 3339, in UTC.")
                ], reply: "History", isCostly: { _ in true }
            ) { asked in
                let since = try asked.instant("since")
                return try .value(
                    HistoryColumns(
                        try await inspector.history(
                            of: asked.parts["cache"]!, since: since)
                    ))
            },
            Route(
                method: .get, path: "/v1/caches/{cache}/whatif",
                summary:
                    "What other bounds would have brought for the look-ups of late, each figure "
                    + "with its error: the bounds that are named, or where none is, sizes and ttls "
                    + "around the present ones and every policy.",
                query: WhatIfBounds.names.map {
                    .init(name: $0.name, type: "string", about: $0.about)
                } + [
                    .init(
                        name: "window", type: "integer",
                        about: "The look-ups of so many seconds count, 1 to 3600.")
                ], reply: "WhatIf", isCostly: { _ in true }
            ) { asked in
                let cache = asked.parts["cache"]!
                let window = try asked.number("window", 1...3600, default: 3600)
                var query = WhatIfQuery(cache, window: .seconds(window))
                let named = WhatIfBounds.names.compactMap { name in
                    asked.query[name.name].map { (name.name, $0) }
                }
                if !named.isEmpty {
                    let report = try await inspector.report()
                    let known = report.caches.first { $0.name.isExactly(cache) }
                    do {
                        query.bounds = try WhatIfBounds.applied(
                            named, to: known?.snapshot.configuration ?? CacheConfiguration())
                    } catch { throw Refusal(.badRequest, "\(error)") }
                }
                return try .value(try await inspector.whatIf(query))
            },
            Route(
                method: .get, path: "/v1/plans/{plan}", summary: "A plan as it was made.",
                reply: "Plan", isCostly: { _ in true }
            ) { asked in try .value(try await inspector.plan(known: asked.parts["plan"]!)) },
            Route(
                method: .get, path: "/v1/plans/{plan}/progress",
                summary: "How far the application of a plan has come.", reply: "Progress"
            ) { asked in try .value(try await inspector.progress(of: asked.parts["plan"]!)) },
            Route(
                method: .get, path: "/v1/forecast",
                summary: "How many entries end when, in buckets of equal width.",
                query: [
                    .init(name: "width", type: "integer", about: "Milliseconds of a bucket."),
                    .init(name: "count", type: "integer", about: "How many buckets."),
                ], reply: "Forecast", isCostly: { _ in true }
            ) { asked in
                let width = try asked.number("width", 100...86_400_000, default: 10_000)
                let count = try asked.number("count", 1...1000, default: 90)
                return try .value(
                    try await inspector.forecast(width: .milliseconds(width), count: count))
            },
            Route(
                method: .get, path: "/v1/changes",
                summary:
                    "What was done to the engine: who, why, before and after; as a stream where "
                    + "text/event-stream is accepted, from Last-Event-ID on.",
                query: [
                    .init(name: "after", type: "integer", about: "Changes numbered above this one.")
                ], reply: "Changes", isCostly: { !$0.wantsStream }
            ) { asked in
                let after = try asked.last()
                guard asked.wantsStream else {
                    return try .value(try await inspector.changes(after: after))
                }
                return .changes(
                    ChangeStream(inspector: inspector, after: after, lane: asked.lane))
            },
        ]
    }

    /// Whoever knows this has the engine's permissions: a group that may look in does not.
    private static func opening(_ gateway: (@Sendable () throws -> GatewayPass)?) -> Route {
        Route(
            method: .get, path: "/v1/gateway",
            summary:
                "Where the engine's gateway for AWS SDKs is, and the token that opens it; for the "
                + "engine's own user and root alone.",
            reply: "Gateway"
        ) { asked in
            guard let uid = asked.actor.uid, uid == geteuid() || uid == 0 else {
                throw Refusal(
                    .forbidden, "the gateway is for the engine's own user and root alone")
            }
            guard let gateway else {
                throw Refusal(
                    .notFound, "this engine has no gateway; larder serve --gateway on starts one")
            }
            return try .value(try gateway())
        }
    }

    /// Who may change nothing may still ask what bounds would do; nothing of that is kept.
    private static func planning(_ inspector: any Inspector, isReadOnly: Bool) -> [Route] {
        [
            Route(
                method: .post, path: "/v1/plans",
                summary: "Work out what a change would do."
                    + (isReadOnly ? " It names no entries, and cannot be applied." : ""),
                body: "Change", reply: "Plan", isCostly: { _ in true }
            ) { asked in
                let change = try asked.decoded(Change.self)
                guard isReadOnly else {
                    return try .value(try await inspector.plan(change, by: asked.actor))
                }
                guard change.named == 0 else {
                    throw Refusal(
                        .forbidden,
                        "this engine lets nobody change anything: entries cannot be named in a plan; "
                            + "what bounds would do, or the end of a whole cache, can be asked")
                }
                return try .value(try await inspector.preview(change))
            }
        ]
    }

    private static func changing(_ inspector: any Inspector) -> [Route] {
        [
            Route(
                method: .post, path: "/v1/plans/{plan}/apply",
                summary: "Do what was planned, leaving alone what has changed since.",
                body: "Application", reply: "Outcome", changes: true
            ) { asked in
                let how =
                    asked.body.isEmpty ? PlanApplication() : try asked.decoded(PlanApplication.self)
                return try .value(
                    try await inspector.apply(asked.parts["plan"]!, how, by: asked.actor))
            },
            Route(
                method: .post, path: "/v1/plans/{plan}/cancel",
                summary: "Stop an application that is spread over some time.", reply: "Progress",
                changes: true
            ) { asked in
                try .value(
                    try await inspector.cancel(asked.parts["plan"]!, by: asked.actor))
            },
            Route(
                method: .get, path: "/v1/plans/{plan}/undo",
                summary: "What taking back an application would do now.", reply: "Plan",
                isCostly: { _ in true }
            ) { asked in
                try .value(try await inspector.plan(undoing: asked.parts["plan"]!))
            },
            Route(
                method: .post, path: "/v1/plans/{plan}/undo",
                summary: "Take back what an application did.", reply: "Outcome", changes: true
            ) { asked in
                try .value(try await inspector.undo(asked.parts["plan"]!, by: asked.actor))
            },
            Route(
                method: .post, path: "/v1/caches/{cache}/entries/{key}/fetch",
                summary: "Look a key up through its cache, as any caller would.",
                reply: "FetchResult", changes: true
            ) { asked in
                try .value(
                    try await inspector.fetch(
                        EntryKey(cache: asked.parts["cache"]!, key: asked.parts["key"]!)))
            },
            Route(
                method: .post, path: "/v1/caches/{cache}/entries/{key}/verify",
                summary: "Compare an entry with what its origin says now.",
                reply: "Verification", changes: true
            ) { asked in
                try .value(
                    try await inspector.verify(
                        EntryKey(cache: asked.parts["cache"]!, key: asked.parts["key"]!)))
            },
        ]
    }

    // MARK: Finding

    enum Found {
        case route(Route, parts: [String: String])
        /// The path is there for other methods.
        case methods([HTTPRequest.Method])
        case nothing
    }

    func find(_ method: HTTPRequest.Method, _ path: String) -> Found {
        let steps = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        var methods: [HTTPRequest.Method] = []
        for route in all {
            let wanted = route.path.split(separator: "/", omittingEmptySubsequences: false)
                .dropFirst()
            guard wanted.count == steps.count else { continue }
            var parts: [String: String] = [:]
            let fits = zip(wanted, steps).allSatisfy { wanted, step in
                guard wanted.hasPrefix("{") else { return wanted == step }
                guard let text = step.removingPercentEncoding, !text.isEmpty else { return false }
                parts[String(wanted.dropFirst().dropLast())] = text
                return true
            }
            guard fits else { continue }
            if route.method == method { return .route(route, parts: parts) }
            methods.append(route.method)
        }
        return methods.isEmpty ? .nothing : .methods(methods)
    }
}
