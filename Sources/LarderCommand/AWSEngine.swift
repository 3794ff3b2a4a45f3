extension Engine {
    static func aws(_ options: OriginOptions) throws -> Engine { fatalError() }
}
