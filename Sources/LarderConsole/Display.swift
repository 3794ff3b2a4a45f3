/// Where the console is seen and typed at: a whole screen, or lines. One thread uses it.
protocol Display {
    var size: Size { get }
    /// The best signs that it can show.
    var tier: GlyphTier { get }
    /// The descriptor that what is typed comes from; negative where nothing comes any more.
    var input: Int32 { get }
    /// Keys are at hand before anything more is typed.
    var isTypedAhead: Bool { get }

    mutating func draw(_ model: Model)
    /// The keys pressed since the last call.
    mutating func keys() -> [Key]
    /// Puts a text on the clipboard.
    mutating func copy(_ text: String)
    /// Makes the terminal ring.
    func ring()
    mutating func use(_ theme: Theme)
    func useMouse(_ isUsed: Bool)
    /// Takes the size that the terminal has now.
    mutating func resize()
    mutating func repaint()
    /// Gives the terminal back for a while, and takes it again.
    mutating func suspend(_ pause: () -> Void)
    /// Gives the terminal back.
    func close()
    /// Why what it shows could not be shown, where nobody else finds that out.
    var problem: ConsoleError? { get }
}

extension Display {
    var input: Int32 { 0 }
    func ring() {}
    var isTypedAhead: Bool { false }
    var problem: ConsoleError? { nil }
}
