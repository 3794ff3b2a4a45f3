/// Where things stand on a screen of a given size. As height shrinks the event lines go first, then
/// the detail, the names of the views, the lines of the caches, the hints and the header; the table
/// keeps three rows.
struct Layout: Equatable {
    enum Kind: Equatable {
        /// One line.
        case tiny
        case compact
        case wide
    }

    let size: Size
    let kind: Kind
    var cacheLines = 0
    /// The line with the names of the views.
    var tabs: Int?
    /// What a view other than the entries has.
    var body = Box(row: 0, column: 0, height: 0, width: 0)
    /// The table with its heading, without a border.
    var table = Box(row: 0, column: 0, height: 0, width: 0)
    var status = 0
    var detail: Box?
    var log: Box?
    /// Boxes with a border, wide screens only.
    var rates: Box?

    /// Rows of entries on the screen.
    var visibleRows: Int { max(1, table.height - 1) }

    /// - Parameter isAlone: the table has the place of its neighbours too.
    init(_ size: Size, caches: Int, isAlone: Bool = false) {
        self.size = size
        if size.columns < 40 || size.rows < 8 {
            kind = .tiny
        } else if size.columns >= 110 && size.rows >= 30 {
            kind = .wide
            wide(caches, isAlone)
        } else {
            kind = .compact
            compact(caches, isAlone)
        }
    }

    private mutating func compact(_ caches: Int, _ isAlone: Bool) {
        // Header, table heading, three rows, status and hints are 7 lines; what is left is shared.
        var spare = size.rows - 7
        cacheLines = min(min(max(caches, 1), 4), spare)
        spare -= cacheLines
        if spare >= 3 {
            tabs = 1 + cacheLines
            spare -= 1
        }
        // Most of what is left belongs to the table.
        let detailLines = isAlone ? 0 : spare >= 8 ? 3 : spare >= 6 ? 2 : spare >= 4 ? 1 : 0
        let logLines = isAlone ? 0 : spare >= 12 ? 3 : spare >= 9 ? 2 : spare >= 7 ? 1 : 0
        let first = 1 + cacheLines + (tabs == nil ? 0 : 1)
        let below = detailLines + logLines + 2
        table = Box(row: first, column: 0, height: size.rows - first - below, width: size.columns)
        body = Box(row: first, column: 0, height: size.rows - first - 2, width: size.columns)
        status = table.row + table.height
        if detailLines > 0 {
            detail = Box(
                row: status + 1, column: 0, height: detailLines, width: size.columns)
        }
        if logLines > 0 {
            log = Box(
                row: status + 1 + detailLines, column: 0, height: logLines, width: size.columns)
        }
    }

    private mutating func wide(_ caches: Int, _ isAlone: Bool) {
        // The outermost columns stay free: a border at the very edge looks cut off.
        let width = size.columns - 2
        cacheLines = min(max(caches, 1), 4)
        let ratesBox = Box(row: 1, column: 1, height: cacheLines * 2 + 2, width: width)
        tabs = ratesBox.row + ratesBox.height
        let logHeight = isAlone ? 0 : min(10, max(6, size.rows / 5))
        let middle = Box(
            row: ratesBox.row + ratesBox.height + 1, column: 1,
            height: size.rows - 4 - ratesBox.height - logHeight, width: width)
        body = middle
        body.height += logHeight
        let side = isAlone ? 0 : min(58, width * 17 / 50)
        var entries = middle
        entries.width -= side
        table = entries.inside
        if !isAlone {
            detail = Box(
                row: middle.row, column: entries.column + entries.width, height: middle.height,
                width: side)
            log = Box(
                row: middle.row + middle.height, column: 1, height: logHeight, width: width)
        }
        rates = ratesBox
        status = size.rows - 2
    }
}
