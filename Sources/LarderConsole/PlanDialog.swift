import Larder
import LarderInspector

/// A plan laid before the operator. It opens on Cancel.
struct PlanDialog {
    enum Focus: Hashable { case cancel, apply, confirmation, reason }

    var plan: Plan
    /// When it was laid before the operator.
    var since = AgeInstant(nanoseconds: 0)
    var focus = Focus.cancel
    /// What has to be typed before it is applied; `nil` where nothing has to.
    var confirmation: String?
    var typed = ""
    var reason = ""
    var isPaced = false
    /// Bounds go back by themselves after ten minutes.
    var goesBack = false

    /// What part of each cache it is, by what was held when it was laid before the operator:
    /// `25% of accounts`; empty where that says nothing.
    var share = ""
    /// What else is to be known: which of the marked entries are hidden now.
    var remark: String?
    /// How many pass, but were written since the table was drawn: they are not in the plan.
    var left = 0

    var confirms: Bool { focus == .apply }
    var canGoBack: Bool { plan.before != nil && plan.takesBack == nil }
    /// There are entries that can be served on; a failure that is remembered cannot.
    var canBeSoft: Bool {
        switch plan.change {
        case .invalidate, .soften: plan.failures < plan.entries
        case .invalidateAll, .configure, .all: false
        }
    }

    func canBePaced(_ model: Model) -> Bool {
        plan.takesBack == nil && LarderConsole.spread(plan, model) != nil
    }
    static let lasting = Duration.seconds(600)
}
