import Larder
import LarderInspector

/// What other bounds would bring: sizes by ttls, then every policy; and the point under the cursor in
/// words.
enum WhatIfView {
    static func draw(_ model: Model, _ box: Box, _ frame: inout Frame) {
        let pane = model.whatIf
        guard let answer = pane.answer else {
            let words = model.problem ?? pane.problem ?? "waiting for what is foreseen"
            let lines = Text.wrap(fit(words, model), to: box.width - 2)
            return frame.put(lines.map { [($0, .dim)] }, in: box, model)
        }
        let grid = pane.grid
        let width = grid.first?.count ?? 0
        let columns = max(1, min(width, (box.width - nameWidth - 2) / cellWidth))
        // The cursor's column is always seen; there may be more policies than columns.
        let first =
            pane.row < grid.count ? max(0, min(pane.column, width - 1) - columns + 1) : 0
        var lines: [Pieces] = [title(model, answer)]
        lines.append(heading(answer, grid, first..<max(first, min(width, first + columns))))
        for (row, points) in grid.enumerated() {
            lines.append(self.row(model, answer, points, row, first, columns))
        }
        let policies = policies(model, answer, pane, (box.width - nameWidth - 2) / cellWidth)
        lines += [policies.names, policies.figures, []]
        let rows = grid.indices.map { ($0, 2 + $0) } + [(grid.count, 2 + grid.count + 1)]
        let words = pane.chosen.map { answer.sentence(on: $0) } ?? ""
        lines += Text.wrap(fit(words, model), to: box.width - 2).map { [($0, .bold)] }
        lines += answer.advice.flatMap { advice in
            Text.wrap(fit(advice, model), to: box.width - 2).map { [($0, .warning)] }
        }
        lines += kept(model, answer, box.width - 2)
        frame.put(lines, in: box, model)
        for (number, line) in rows where line < box.height {
            frame.point(
                row: box.row + line, columns: box.column..<box.column + box.width, .line(number))
        }
    }

    private static let nameWidth = 12
    private static let cellWidth = 9

    /// A text as this terminal can show it.
    static func fit(_ text: String, _ model: Model) -> String {
        Text.safe(
            model.glyphs.ascii ? text.replacing("±", with: "+-") : text, ascii: model.glyphs.ascii)
    }

    private static func title(_ model: Model, _ answer: WhatIfAnswer) -> Pieces {
        [
            (Text.safe(answer.cache, ascii: model.glyphs.ascii), .accent),
            ("  \(model.whatIf.measure.title)", .bold),
            (", by \(answer.basisWords)", .dim),
        ]
    }

    private static func heading(
        _ answer: WhatIfAnswer, _ grid: [[WhatIf]], _ columns: Range<Int>
    ) -> Pieces {
        let ttls = columns.map { Units.text(ttl: grid[0][$0].bounds.ttl) }
        let bound = answer.present.bounds.maxsize == nil ? "MAXBYTES/TTL" : "MAXSIZE/TTL"
        return [
            (Text.left(bound, nameWidth), .dim),
            (
                ttls.map { Text.right(Text.cut($0, to: cellWidth - 1, mark: ""), cellWidth) }
                    .joined(),
                .dim
            ),
        ]
    }

    private static func row(
        _ model: Model, _ answer: WhatIfAnswer, _ points: [WhatIf], _ row: Int, _ first: Int,
        _ columns: Int
    ) -> Pieces {
        var pieces: Pieces = [(Text.left(size(points.first?.bounds), nameWidth), .plain)]
        for (place, point) in points.enumerated().dropFirst(first).prefix(columns) {
            let isChosen = model.whatIf.row == row && model.whatIf.column == place
            pieces.append(cell(model, answer, point, isChosen: isChosen))
        }
        return pieces
    }

    private static func size(_ bounds: CacheConfiguration?) -> String {
        guard let bounds else { return "" }
        if let maxsize = bounds.maxsize { return Format.count(maxsize) }
        return bounds.maxbytes.map { Format.bytes($0) } ?? "none"
    }

    /// The present bounds stand in brackets; what is not sure to two points has a mark.
    private static func cell(
        _ model: Model, _ answer: WhatIfAnswer, _ point: WhatIf, isChosen: Bool
    ) -> (text: String, style: Style) {
        let figure = model.whatIf.measure.text(point)
        let text =
            point.bounds == answer.present.bounds
            ? "[\(figure)]" : point.hitRatioError > 0.02 ? "~\(figure) " : "\(figure) "
        let style: Style =
            isChosen ? .selected : point.bounds == answer.present.bounds ? .bold : .plain
        return (Text.right(text, cellWidth), style)
    }

    private static func policies(
        _ model: Model, _ answer: WhatIfAnswer, _ pane: WhatIfPane, _ room: Int
    ) -> (names: Pieces, figures: Pieces) {
        var names: Pieces = [(Text.left("POLICY", nameWidth), .dim)]
        var figures: Pieces = [(Text.left("", nameWidth), .plain)]
        let isHere = pane.row == pane.grid.count
        let first = isHere ? max(0, pane.column - room + 1) : 0
        for (place, point) in answer.policies.enumerated().dropFirst(first).prefix(room) {
            let name = "\(point.bounds.policy)".prefix { $0 != "," }
            names.append((Text.right("\(name) ", cellWidth), .dim))
            figures.append(
                cell(model, answer, point, isChosen: isHere && pane.column == place))
        }
        return (names, figures)
    }

    /// How right the last forecasts were.
    private static func kept(_ model: Model, _ answer: WhatIfAnswer, _ width: Int) -> [Pieces] {
        guard let last = answer.kept.last else { return [] }
        let judged = answer.kept.compactMap(\.isHeld)
        let score =
            judged.isEmpty
            ? "" : "  \(judged.count { $0 }) of \(judged.count) forecasts held"
        let said = WhatIfWords.percent(last.said, last.saidError)
        let bounds = WhatIfWords.bounds(last.bounds)
        guard let came = last.came, let isHeld = last.isHeld else {
            let text = "\(bounds): said \(said); what came is known a minute after the change"
            return Text.wrap(fit(text + score, model), to: width).map { [($0, .dim)] }
        }
        let text =
            "\(bounds): said \(said), came \(Format.percent(came)): "
            + (isHeld ? "as foreseen" : "NOT as foreseen")
        return Text.wrap(fit(text + score, model), to: width).map {
            [($0, isHeld ? .accent : .warning)]
        }
    }
}

/// What is foreseen, and where in it the operator is.
struct WhatIfPane {
    private(set) var answer: WhatIfAnswer?
    /// Why nothing is foreseen.
    var problem: String?
    var measure = Measure.hits
    /// The rows of the grid, and one more for the policies.
    private(set) var row = 0
    private(set) var column = 0
    /// Whether the cursor stays at the present bounds.
    private var isAtPresent = true

    /// What stands in the table.
    enum Measure: Int, CaseIterable {
        case hits, fetches, stale

        var next: Measure { Measure(rawValue: rawValue + 1) ?? .hits }

        var title: String {
            switch self {
            case .hits: "hit ratio"
            case .fetches: "fetches a second"
            case .stale: "outdated look-ups"
            }
        }

        func text(_ point: WhatIf) -> String {
            switch self {
            case .hits: Format.percent(point.hitRatio)
            case .fetches:
                Units.text(
                    point.fetchesPerSecond, digits: point.fetchesPerSecond < 100 ? 1 : 0)
            case .stale: point.stale.map { Format.percent($0) } ?? "-"
            }
        }
    }

    /// The points, a row for each size.
    var grid: [[WhatIf]] {
        guard let answer, let first = answer.points.first else { return [] }
        let columns = answer.points.prefix {
            $0.bounds.maxsize == first.bounds.maxsize && $0.bounds.maxbytes == first.bounds.maxbytes
        }.count
        return stride(from: 0, to: answer.points.count, by: columns).map {
            Array(answer.points[$0..<min($0 + columns, answer.points.count)])
        }
    }

    /// Rows that the cursor can stand in.
    var rows: Int { answer == nil ? 0 : grid.count + 1 }

    /// The point under the cursor.
    var chosen: WhatIf? {
        let points = row < grid.count ? grid[row] : answer?.policies ?? []
        return points.indices.contains(column) ? points[column] : nil
    }

    /// Takes note of why nothing is foreseen of a cache: what was of another cache goes.
    mutating func failed(_ why: String, of cache: String?) {
        problem = why
        if answer?.cache != cache { answer = nil }
    }

    mutating func take(_ new: WhatIfAnswer) {
        // Other bounds have another grid: the cursor goes to the present ones again.
        if answer?.cache != new.cache || answer?.present.bounds != new.present.bounds {
            isAtPresent = true
        }
        (answer, problem) = (new, nil)
        guard isAtPresent else { return }
        for (row, points) in grid.enumerated() {
            let column = points.firstIndex { $0.bounds == new.present.bounds }
            if let column { (self.row, self.column) = (row, column) }
        }
    }

    mutating func move(down: Int, right: Int) {
        guard rows > 0 else { return }
        isAtPresent = false
        row = min(max(0, row + down), rows - 1)
        let last = (row < grid.count ? grid[row].count : answer?.policies.count ?? 1) - 1
        column = min(max(0, column + right), max(0, last))
    }
}
