import Larder
import LarderInspector

// Lines that are typed: a filter, a search, a key to fetch, other bounds.

func ask(_ model: inout Model, _ purpose: (String) -> Prompt.Purpose) -> Effect? {
    guard let cache = model.aimedCache else {
        model.say("there is no cache to change")
        return nil
    }
    model.overlay = .prompt(Prompt(purpose: purpose(cache)))
    return nil
}

func pressInPrompt(_ model: inout Model, _ key: Key, _ prompt: Prompt) -> Effect? {
    var prompt = prompt
    prompt.refusal = nil
    prompt.place = nil
    switch key {
    case .escape:
        model.overlay = nil
        if case .search(let from) = prompt.purpose { return move(&model, to: from) }
        return nil
    case .enter:
        model.overlay = nil
        return enter(&model, prompt)
    default: guard prompt.text.edit(key) else { return nil }
    }
    if case .search(let from) = prompt.purpose {
        model.overlay = .prompt(prompt)
        return search(&model, for: prompt.text, from: from, backwards: false)
    }
    guard prompt.purpose == .filter else {
        model.overlay = .prompt(prompt)
        return nil
    }
    // A word that is the name of a field is on its way to a comparison.
    if EntryFilter.isBegun(prompt.text) {
        model.overlay = .prompt(prompt)
        return nil
    }
    // While it makes no sense, the last filter that did stays on.
    do { _ = try EntryFilter(prompt.text, of: model.filterScope) } catch {
        prompt.refusal = error.sentence
        prompt.place = error.place
        model.overlay = .prompt(prompt)
        return nil
    }
    model.overlay = .prompt(prompt)
    return setFilter(&model, prompt.text)
}

private func enter(_ model: inout Model, _ prompt: Prompt) -> Effect? {
    let effect: (effect: Effect?, refusal: String?)
    switch prompt.purpose {
    case .filter:
        do { _ = try EntryFilter(prompt.text, of: model.filterScope) } catch {
            var prompt = prompt
            (prompt.refusal, prompt.place) = (error.sentence, error.place)
            model.overlay = .prompt(prompt)
            return nil
        }
        return setFilter(&model, prompt.text)
    case .fetch(let cache):
        return prompt.text.isEmpty ? nil : .fetch(EntryKey(cache: cache, key: prompt.text))
    case .search: return nil
    case .overwrite(let path, let text):
        guard ["y", "yes"].contains(prompt.text.lowercased()) else {
            model.say("\(path) is as it was")
            return nil
        }
        return .export(path: path, text: text, overwrites: true)
    case .maxsize(let cache):
        effect = bounds(&model, cache, prompt.text) { (new, text) throws(UnitError) in
            new.maxsize = try Units.maxsize(text)
        }
    case .ttl(let cache):
        effect = bounds(&model, cache, prompt.text) { (new, text) throws(UnitError) in
            new.ttl = try Units.ttl(text)
        }
    }
    guard let refusal = effect.refusal else { return effect.effect }
    var prompt = prompt
    prompt.refusal = refusal
    model.overlay = .prompt(prompt)
    return nil
}

/// A plan of other bounds, or why there can be none.
func bounds(
    _ model: inout Model, _ cache: String, _ text: String,
    _ change: (inout CacheConfiguration, String) throws(UnitError) -> Void
) -> (effect: Effect?, refusal: String?) {
    guard var new = model.configuration(of: cache) else {
        return (nil, "no cache is called \"\(cache)\"")
    }
    do { try change(&new, text.filter { $0 != " " }) } catch { return (nil, "\(error)") }
    guard new != model.configuration(of: cache) else {
        model.say("that is what \(cache) has already")
        return (nil, nil)
    }
    return (.plan(.configure(cache: cache, to: new)), nil)
}

extension Prompt {
    /// What a bare number means, while it is typed; `nil` where there is nothing to say.
    var understood: String? {
        guard !text.isEmpty, text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        switch purpose {
        case .maxsize:
            guard let number = try? Units.maxsize(text) else { return nil }
            return Units.counted(number, "entry", "entries")
        case .ttl:
            guard let ttl = try? Units.ttl(text) else { return nil }
            let seconds = Units.counted(Int(clamping: ttl.inSeconds), "second")
            return ttl < .seconds(60) ? seconds : "\(seconds), \(Units.text(ttl))"
        case .filter, .fetch, .search, .overwrite: return nil
        }
    }
}

extension String {
    /// What a key does to a line that is typed; false where it does nothing.
    mutating func edit(_ key: Key) -> Bool {
        switch key {
        case .char(let character): append(character)
        case .backspace, .delete, .control("h"): _ = popLast()
        case .control("u"): self = ""
        case .control("w"):
            while last == " " { removeLast() }
            while let last, last != " " { removeLast() }
        default: return false
        }
        return true
    }
}
