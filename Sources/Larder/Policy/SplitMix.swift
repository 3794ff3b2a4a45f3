/// The two halves of SplitMix64 (Steele, Lea and Flood, OOPSLA'14): a state that steps on, and the
/// bits drawn from it. Apart, so that one can look at the next draw without taking it.
package enum SplitMix {
    package static let step: UInt64 = 0x9e37_79b9_7f4a_7c15

    package static func mixed(_ state: UInt64) -> UInt64 {
        var bits = state &+ step
        bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        return bits ^ (bits >> 31)
    }
}
