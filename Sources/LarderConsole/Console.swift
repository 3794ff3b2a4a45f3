import Foundation
public import Larder
public import LarderInspector

/// The console on an inspector: it owns the terminal until the operator quits.
///
/// One thread of its own does everything with curses: it waits for keys, for posts from the
/// collectors and for the next tick, gives each to `update`, and draws what `render` makes of the
/// model. Nothing it does waits for the engine.
public struct Console {
    private let inspector: any Inspector
    private let options: Options

    /// How the console begins. What is `nil` is as it was left the last time, which ``stateFile``
    /// keeps.
    public struct Options: Sendable {
        /// Say on the screen that the engine is an invented one.
        public var isDemo = false
        /// How long lies between two looks at the engine.
        public var refresh = Duration.seconds(1)
        /// Who is named in events for what is changed here.
        public var actor: Operator
        /// By what the table is sorted.
        public var sort: EntryColumn?
        /// The largest first; heeded where ``sort`` is given.
        public var descending = false
        /// What the table shows, as `EntryFilter` reads it; empty for every entry.
        public var filter = ""
        /// Which colors; at first ``Theme/auto``.
        public var theme: Theme?
        /// Which signs graphs are made of; at first what the terminal can show.
        public var glyphs: GlyphTier?
        /// The terminal's mouse is used; `nil` for as it was last, at first not.
        public var usesMouse: Bool?
        /// Lines instead of a screen, for screen readers and terminals that can do no more.
        public var isPlain = false
        /// Other keys for some of the actions.
        public var keys = KeyBindings()
        /// It rings when a cache comes beyond one of them.
        public var bells: [Threshold] = []
        /// Where the way that things look is kept from one run to the next.
        public var stateFile: String?
        /// What the engine is called among those that are open.
        public var name = ""
        /// The other engines that run here.
        public var engines: @Sendable () async -> [RunningEngine] = { [] }
        /// Opens one of them.
        public var open: @Sendable (String) throws -> any Inspector = { name in
            throw InspectorError("\(name) cannot be opened from here")
        }

        /// - Parameter actor: Who is named in events for what is changed here.
        public init(actor: Operator) { self.actor = actor }
    }

    /// An engine that could be opened: its name, and a line about it.
    public struct RunningEngine: Hashable, Sendable {
        var name: String
        var about: String

        /// - Parameters:
        ///   - name: By which it is opened.
        ///   - about: A line that people choose it by.
        public init(_ name: String, about: String) {
            self.name = name
            self.about = about
        }
    }

    /// Takes nothing of the terminal yet: ``run()`` does.
    public init(_ inspector: any Inspector, _ options: Options) {
        self.inspector = inspector
        self.options = options
    }

    /// Runs until the operator quits or a signal ends it; returns that signal. What it took of the
    /// process, the terminal, descriptor 2 and what signals do, is then as it was.
    ///
    /// - Throws: ``ConsoleError`` where there is no usable terminal, or its input was closed.
    public func run() async throws -> Int32? {
        let result = await withCheckedContinuation { continuation in
            let thread = Thread { [inspector, options] in
                continuation.resume(
                    returning: Rescue.withOwnSignalStack {
                        Result { try Loop(inspector, options).run() }
                    })
            }
            thread.name = "larder-console"
            thread.stackSize = 4 << 20
            thread.start()
        }
        return try result.get()
    }
}
