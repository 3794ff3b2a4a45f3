package import Larder

/// A figure of what-ifs that stands in a table of them.
package enum WhatIfFigure: Int, CaseIterable, Sendable {
    case hits, fetches, stale

    package var next: Self { Self(rawValue: rawValue + 1) ?? .hits }

    package var title: String {
        switch self {
        case .hits: "hit ratio"
        case .fetches: "fetches a second"
        case .stale: "outdated look-ups"
        }
    }

    fileprivate func text(_ point: WhatIf) -> String {
        switch self {
        case .hits: Format.percent(point.hitRatio)
        case .fetches:
            Units.text(point.fetchesPerSecond, digits: point.fetchesPerSecond < 100 ? 1 : 0)
        case .stale: point.stale.map { Self.outdated($0, point.staleError ?? 0) } ?? "-"
        }
    }

    /// Where no change was seen, only the most that it may be is known.
    private static func outdated(_ share: Double, _ error: Double) -> String {
        share == 0 && error >= 0.0005 ? "<" + Format.percent(error) : Format.percent(share)
    }

    /// Half the width of a figure's bar, as a share of the look-ups.
    fileprivate func error(_ point: WhatIf) -> Double {
        guard self == .stale else { return point.hitRatioError }
        return point.stale == 0 ? 0 : point.staleError ?? 0
    }
}

// Sizes by ttls as a table, the same in the console and in commands.

extension WhatIfAnswer {
    /// The points, a row for each size.
    package var grid: [[WhatIf]] {
        guard let first = points.first?.bounds else { return [] }
        let columns = points.prefix {
            $0.bounds.maxsize == first.maxsize && $0.bounds.maxbytes == first.maxbytes
        }.count
        return stride(from: 0, to: points.count, by: columns).map {
            Array(points[$0..<min($0 + columns, points.count)])
        }
    }

    /// What the rows and the columns are.
    package var corner: String {
        present.bounds.maxsize == nil && present.bounds.maxbytes != nil
            ? "MAXBYTES/TTL" : "MAXSIZE/TTL"
    }

    /// What stands above a column; with a mark where no value grows so old in the record.
    ///
    /// - Parameter width: Longer ones are cut.
    package func heading(_ point: WhatIf, width: Int) -> String {
        let mark = isBeyondRecord(point) ? "?" : ""
        return Units.text(ttl: point.bounds.ttl).prefix(width - mark.count) + mark
    }

    /// What stands before a row.
    package func name(ofRow points: [WhatIf]) -> String {
        guard let bounds = points.first?.bounds else { return "" }
        if let maxsize = bounds.maxsize { return Format.count(maxsize) }
        return bounds.maxbytes.map { Format.bytes($0) } ?? "none"
    }

    /// What stands in a cell: the present bounds in brackets, with a mark where it is not sure to two
    /// points.
    package func cell(_ point: WhatIf, _ figure: WhatIfFigure) -> String {
        let text = (figure.error(point) > 0.02 ? "~" : "") + figure.text(point)
        return point.bounds == present.bounds ? "[\(text)]" : text + " "
    }

    /// Whether a ttl is longer than the record: what it would bring beyond that is not known.
    package func isBeyondRecord(_ point: WhatIf) -> Bool {
        point.bounds.ttl.map { $0 > basis.window } ?? true
    }

    /// How right the last forecast was, as far as that is known, and of how many.
    package func verdict(at now: AgeInstant) -> String? {
        guard let last = kept.last else { return nil }
        let judged = kept.compactMap(\.isHeld)
        let score = "\(judged.count { $0 }) of \(judged.count)"
        let said = WhatIfWords.percent(last.said, last.saidError)
        let instead = last.instead.map { " instead of \(Format.percent($0))" } ?? ""
        var text = "\(WhatIfWords.bounds(last.bounds)): said \(said)\(instead)"
        if let came = last.came, let isHeld = last.isHeld {
            text += ", came \(WhatIfWords.percent(came, last.cameError ?? 0)), "
            text += "\(isHeld ? "as foreseen" : "NOT as foreseen"); \(score) forecasts held"
        } else {
            text +=
                last.isOvertaken
                ? "; what came is not known, since the cache was changed again"
                : last.due > now
                    ? "; what came is known in \(Format.age(max(.seconds(1), last.due - now)))"
                    : "; what came is not known yet"
            text += judged.isEmpty ? "" : "; \(score) before held"
        }
        let overtaken = kept.dropLast().count(where: \.isOvertaken)
        return text + (overtaken > 0 ? ", \(overtaken) overtaken by other changes" : "")
    }

    /// What of the figures will not come again; `nil` where that is next to nothing.
    package var note: String? {
        guard let firstFetches, firstFetches >= 0.005 else { return nil }
        return "first fetches of a new cache count here and not in plans, which say "
            + "\(Units.text(firstFetches * 100, digits: 1)) points more of what is now"
    }

    /// A point in words, and how far they can be trusted.
    package func said(of point: WhatIf) -> String {
        var sentence = sentence(on: point)
        if point.stale == nil, basis.changes.compared > 0 {
            sentence +=
                "; every refetch (\(Format.count(basis.changes.compared))) found another value, so that "
                + "what is outdated is not known"
        }
        guard isBeyondRecord(point), point.bounds.ttl != present.bounds.ttl else { return sentence }
        return sentence
            + "; of values older than the record, \(Format.age(basis.window)), nothing is known"
    }
}
