import Foundation

/// A run of requests to replay: keys, and where the bound is in bytes, their sizes.
struct Trace {
    var keys: [Int]
    var bytes: [Int]?

    static let names = ["gli", "loop", "scan", "drift", "cloudphysics"]

    /// The bounds at which a trace is replayed; of `cloudphysics` in MiB.
    static func sizes(of name: String) -> [Int] {
        switch name {
        case "gli": Array(stride(from: 250, through: 2000, by: 250))
        case "loop": [250, 500, 750, 1000]
        case "scan": [500, 1000, 1500, 2000]
        case "drift": [32, 64, 128, 256]
        default: Array(stride(from: 128, through: 1024, by: 128))
        }
    }

    init(_ name: String, data: URL) throws {
        switch name {
        case "gli": try self.init(gzippedText: data.appending(path: "gli.trace.gz"))
        case "loop": self.init(keys: (0..<505_500).map { $0 % 1011 })
        case "scan": self.init(keys: (0..<50_025).map { $0 % 2001 })
        case "drift": self.init(keys: Self.drift())
        default: try self.init(records: data.appending(path: "cloudPhysicsIO.oracleGeneral.bin"))
        }
    }

    /// A trace that is known by its name, or a file: numbers, one a line, packed by gzip or not, or
    /// 24-byte records where its name ends in `.bin`.
    init(nameOrFile text: String, data: URL) throws {
        guard !Self.names.contains(text) else {
            try self.init(text, data: data)
            return
        }
        let file = URL(filePath: text)
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw LeftOut(
                "\(text) is no file and no trace; \(Self.names.joined(separator: ", ")) are known")
        }
        switch file.pathExtension {
        case "bin": try self.init(records: file)
        case "gz": try self.init(gzippedText: file)
        default: self.init(text: String(decoding: try Data(contentsOf: file), as: UTF8.self))
        }
    }

    private init(keys: [Int], bytes: [Int]? = nil) { (self.keys, self.bytes) = (keys, bytes) }

    /// Popularity that wanders: low numbers are wanted most, and every 5,000 requests all of them
    /// move up by 100.
    private static func drift() -> [Int] {
        var draw = Draw()
        return (0..<60_000).map { number in
            let drawn = draw.next(below: 1000)
            return drawn * drawn / 4000 + number / 5000 * 100
        }
    }

    /// One number a line; `*` and blank lines mean nothing.
    private init(gzippedText file: URL) throws {
        try Self.check(file)
        let text = try printed(by: ["gzip", "-dc", file.path])
        self.init(text: String(decoding: text, as: UTF8.self))
    }

    private init(text: String) {
        keys = text.split(whereSeparator: \.isNewline)
            .compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
    }

    /// libCacheSim's oracleGeneral: 24 little-endian bytes a request, of time (4), key (8),
    /// size (4) and the next request of the key (8).
    private init(records file: URL) throws {
        try Self.check(file)
        let records = try Data(contentsOf: file)
        let starts = stride(from: 0, to: records.count / 24 * 24, by: 24)
        keys = starts.map { Int(Self.read(Int64.self, records, at: $0 + 4)) }
        bytes = starts.map { Int(Self.read(UInt32.self, records, at: $0 + 12)) }
    }

    private static func read<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type, _ records: Data, at offset: Int
    ) -> Number {
        records.withUnsafeBytes {
            Number(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: type))
        }
    }

    private static func check(_ file: URL) throws {
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw LeftOut(
                "\(file.lastPathComponent) is not in the folder of traces (--data FOLDER)")
        }
    }
}
