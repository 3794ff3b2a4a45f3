import Larder
import LarderInspector

/// Over how long shares and rates are counted, as `larder check` does.
private let over = Duration.seconds(5)

/// Rings where a cache has come beyond a threshold since it was last measured: once, until it has
/// been within it again.
func ring(_ model: inout Model) {
    guard !model.bells.isEmpty, let now = model.report else { return }
    guard let before = model.measured, before.instance == now.instance else {
        model.measured = now
        return
    }
    guard now.at - before.at >= over else { return }
    model.measured = now
    for cache in now.caches {
        let earlier = before.caches.first { $0.name.isExactly(cache.name) }
        let measured = Measured(cache, since: earlier)
        for bell in model.bells {
            guard let value = measured.values[bell.measure] else { continue }
            ring(&model, Bell(cache: cache.name, threshold: bell), value)
        }
    }
}

/// A threshold of a cache.
struct Bell: Hashable {
    var cache: String
    var threshold: Threshold
}

private func ring(_ model: inout Model, _ bell: Bell, _ value: Double) {
    let shown = bell.threshold.measure.text(value)
    let text = "\(bell.cache): \(bell.threshold.measure) is \(shown)"
    guard bell.threshold.isPassed(by: value) else {
        if model.ringing.remove(bell) != nil {
            model.log.add("\(text), within \(bell.threshold) again", at: model.now)
        }
        return
    }
    guard model.ringing.insert(bell).inserted else { return }
    model.rings += 1
    model.say("\(text), beyond \(bell.threshold)", for: .seconds(8))
    model.log.add("\(text), beyond \(bell.threshold)", at: model.now, trouble: true)
}

/// Takes what is typed behind `:bell`; returns why it cannot be taken, or `nil`.
func setBell(_ model: inout Model, _ text: String) -> String? {
    if text == "off" {
        (model.bells, model.ringing) = ([], [])
        model.say("nothing rings any more")
        return nil
    }
    do throws(ThresholdError) {
        let bell = try Threshold(text)
        if let why = bell.obstacle { return why }
        if !model.bells.contains(bell) { model.bells.append(bell) }
        model.say("it rings at \(model.bells.map(\.description).joined(separator: ", "))")
        return nil
    } catch { return error.sentence }
}

extension Threshold {
    /// Why the console cannot ring at it; `nil` where it can.
    package var obstacle: String? {
        [.stale, .expiry].contains(measure)
            ? "\(measure) is not measured in the console; larder check does" : nil
    }
}
