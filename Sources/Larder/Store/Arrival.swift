/// A value on its way into the store, with what is known of it before anything is locked.
struct Arrival<Value: Sendable>: Sendable {
    let value: Value
    let hash: UInt64
    /// When it ends by itself.
    let expiry: Int64?
    let bytes: Int
    /// How long its fetch took, in nanoseconds; `nil` where it was inserted.
    let took: Int64?
    /// By which the value is compared with the one before; `nil` where that is not done.
    var print: UInt64?
    /// How often its key was written before, as far as that is known.
    var loads: UInt16 = 0
}
