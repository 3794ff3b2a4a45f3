import Larder
import LarderInspector

/// What other bounds would bring: sizes by ttls, then every policy; and the point under the cursor in
/// words.
enum WhatIfView {
    static func draw(_ model: Model, _ box: Box, _ frame: inout Frame) {
        let pane = model.whatIf
        guard let answer = pane.answer else {
            let of = model.cacheNames.count > 1 ? model.aimedCache.map { " of \($0)" } ?? "" : ""
            let words = model.problem ?? pane.problem ?? "waiting for what is foreseen\(of)"
            let lines = Text.wrap(fit(words, model), to: box.width - 2)
            return frame.put(lines.map { [($0, .dim)] }, in: box, model)
        }
        let words = pane.chosen.map {
            Text.wrap(fit(answer.said(of: $0), model), to: box.width - 2)
        }
        var said = words?.map { [($0, Style.bold)] } ?? []
        let verdict = verdict(model, answer, box.width - 2)
        let isFresh = answer.kept.last?.bounds == answer.present.bounds
        said += isFresh ? verdict : []
        said += answer.remarks.flatMap { advice in
            Text.wrap(fit(advice, model), to: box.width - 2).map { [($0, .warning)] }
        }
        said += isFresh ? [] : verdict
        // Of what is said beside the point's words the first two lines are not to be lost.
        let shown = rows(pane, box.height, words: min(said.count, (words?.count ?? 0) + 2))
        let room = max(1, (box.width - nameWidth - 2) / cellWidth)
        // The cursor's column is always seen; there may be more policies than columns.
        let width = pane.grid.first?.count ?? 0
        let first =
            pane.row < pane.grid.count
            ? max(0, min(pane.column, width - 1) - min(width, room) + 1) : 0
        let columns = first..<min(width, first + room)
        // What is shown may be of a while ago.
        let old = pane.problem.map { [(fit("as it was: \($0)", model), Style.warning)] }
        var lines: [Pieces] = [
            old ?? title(model, answer), heading(answer, pane.grid, columns),
        ]
        var places: [(row: Int, line: Int)] = []
        for row in shown.rows {
            places.append((row, lines.count))
            lines.append(self.row(model, answer, row, columns))
        }
        if shown.hasPolicies {
            let policies = policies(model, answer, pane, room)
            lines.append(policies.names)
            places.append((pane.grid.count, lines.count))
            lines.append(policies.figures)
        }
        if shown.hasGap { lines.append([]) }
        lines += said
        if let note = answer.note {
            lines += Text.wrap(fit(note, model), to: box.width - 2).map { [($0, .dim)] }
        }
        if lines.count + 2 <= box.height {
            lines += [
                [],
                [
                    (
                        "[as it is now]  ~ not sure to two points  ? longer than the record"
                            + (pane.figure == .stale ? "  < at most" : ""), .dim
                    )
                ],
            ]
        }
        frame.put(lines, in: box, model)
        for (number, line) in places where line < box.height {
            frame.point(
                row: box.row + line, columns: box.column..<box.column + box.width, .line(number))
        }
    }

    /// What there is room for beside the words on the cursor's point: the sizes around the cursor, and
    /// the policies unless the cursor stands among sizes that would have to leave for them.
    private static func rows(
        _ pane: WhatIfPane, _ height: Int, words: Int
    ) -> (rows: Range<Int>, hasPolicies: Bool, hasGap: Bool) {
        let all = pane.grid.count
        let room = height - 2 - words
        if room >= all + 3 { return (0..<all, true, true) }
        guard pane.row < all else {
            // The policies' figures are the cursor's line.
            return (0..<min(all, max(0, room - 2, min(fewest, height - 4))), true, false)
        }
        let hasPolicies = room >= fewest + 2
        let count = min(all, max(fewest, room - (hasPolicies ? 2 : 0)))
        let first = min(max(0, pane.row - count / 2), all - count)
        return (first..<first + count, hasPolicies, false)
    }

    /// So many sizes are seen, whatever the room.
    private static let fewest = 3

    private static let nameWidth = 12
    private static let cellWidth = 9

    /// A text as this terminal can show it.
    static func fit(_ text: String, _ model: Model) -> String {
        Text.safe(
            model.glyphs.ascii ? text.replacing("±", with: "+-") : text, ascii: model.glyphs.ascii)
    }

    private static func title(_ model: Model, _ answer: WhatIfAnswer) -> Pieces {
        let age = model.shownNow - answer.at
        return [
            (Text.safe(answer.cache, ascii: model.glyphs.ascii), .accent),
            ("  \(model.whatIf.figure.title)", .bold),
            (age > oldest ? ", \(Format.age(age)) ago" : "", .warning),
            (", by \(answer.basisWords)", .dim),
        ]
    }

    /// It is looked at every 10 seconds.
    private static let oldest = Duration.seconds(20)

    private static func heading(
        _ answer: WhatIfAnswer, _ grid: [[WhatIf]], _ columns: Range<Int>
    ) -> Pieces {
        let ttls = columns.map { answer.heading(grid[0][$0], width: cellWidth - 1) }
        return [
            (Text.left(answer.corner, nameWidth), .dim),
            (
                ttls.map { Text.right($0 + ($0.hasSuffix("?") ? "" : " "), cellWidth) }.joined(),
                .dim
            ),
        ]
    }

    private static func row(
        _ model: Model, _ answer: WhatIfAnswer, _ row: Int, _ columns: Range<Int>
    ) -> Pieces {
        let pane = model.whatIf
        let points = pane.grid[row]
        return [(Text.left(answer.name(ofRow: points), nameWidth), .plain)]
            + columns.filter(points.indices.contains).map { place in
                let isChosen = pane.row == row && pane.column == place
                return cell(model, answer, points[place], isChosen: isChosen)
            }
    }

    private static func cell(
        _ model: Model, _ answer: WhatIfAnswer, _ point: WhatIf, isChosen: Bool
    ) -> (text: String, style: Style) {
        let style: Style =
            isChosen ? .selected : point.bounds == answer.present.bounds ? .bold : .plain
        return (Text.right(answer.cell(point, model.whatIf.figure), cellWidth), style)
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
    private static func verdict(
        _ model: Model, _ answer: WhatIfAnswer, _ width: Int
    ) -> [Pieces] {
        guard let last = answer.kept.last, let text = answer.verdict(at: model.shownNow) else {
            return []
        }
        // Of bounds that are not the present ones any more it is history.
        let isPresent = last.bounds == answer.present.bounds
        let style = last.isHeld.map { $0 ? Style.accent : .warning }
        return Text.wrap(fit(text, model), to: width).map {
            [($0, isPresent ? style ?? .dim : .dim)]
        }
    }
}

/// What is foreseen, and where in it the operator is.
struct WhatIfPane {
    /// The cache that the view before pointed at, or that was gone on to; `nil` for that of the
    /// selected entry.
    private(set) var cache: String?
    private(set) var answer: WhatIfAnswer?
    /// Why nothing is foreseen.
    private(set) var problem: String?
    var figure = WhatIfFigure.hits
    /// The rows of the grid, and one more for the policies.
    private(set) var row = 0
    private(set) var column = 0
    /// Whether the cursor stays at the present bounds.
    private var isAtPresent = true

    /// The points, a row for each size.
    var grid: [[WhatIf]] { answer?.grid ?? [] }

    /// Rows that the cursor can stand in.
    var rows: Int { answer == nil ? 0 : grid.count + 1 }

    /// The point under the cursor.
    var chosen: WhatIf? {
        let points = row < grid.count ? grid[row] : answer?.policies ?? []
        return points.indices.contains(column) ? points[column] : nil
    }

    /// Is of a cache from now on: what was of another goes.
    mutating func aim(at cache: String?) {
        self.cache = cache
        guard let cache, answer.map({ !$0.cache.isExactly(cache) }) ?? true else { return }
        (answer, problem) = (nil, nil)
    }

    /// Takes note of why nothing is foreseen of a cache: what was of another cache goes.
    mutating func failed(_ why: String, of cache: String) {
        problem = why
        if answer.map({ !$0.cache.isExactly(cache) }) ?? false { answer = nil }
    }

    /// Nothing is known of an engine that was started anew; where the operator looks stays.
    mutating func restart() {
        (answer, problem) = (nil, nil)
        isAtPresent = true
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
