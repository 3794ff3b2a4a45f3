import Larder
@testable import LarderInspector
import Testing

@testable import LarderConsole

/// The view of what other bounds would bring.
@Suite struct WhatIfViewTests {
    private func shown() -> Model {
        var model = model(120, 40)
        _ = press(&model, .char("8"))
        model.whatIf.take(foreseen)
        return model
    }

    @Test func `begins at the present bounds, which stand in brackets`() {
        let model = shown()
        #expect(model.whatIf.chosen == foreseen.present)
        let present = Format.percent(foreseen.present.hitRatio)
        #expect(text(model).contains("[\(present)]"))
        #expect(text(model).contains("30,000 look-ups of the last 10m00s, of 812 keys"))
    }

    @Test func `the cursor goes by sizes and ttls, and stays where it was put`() {
        var model = shown()
        _ = press(&model, .char("j"), .char("l"))
        #expect(model.whatIf.chosen?.bounds.maxsize == 128)
        #expect(model.whatIf.chosen?.bounds.ttl == .seconds(600))
        model.whatIf.take(foreseen)
        #expect(model.whatIf.chosen?.bounds.maxsize == 128)
        #expect(text(model).contains("maxsize 128, ttl 10m, lru: hit "))
        _ = press(&model, .end)
        #expect(model.whatIf.row == 7)
        #expect(model.whatIf.chosen?.bounds.maxsize == 64)
    }

    @Test func `is of the cache that was pointed at, wherever that was`() {
        for view: Character in ["9", "7"] {
            var model = model(120, 40)
            #expect(model.cacheNames.count == 2)
            var seen: Set<String> = []
            for _ in 0..<12 {
                _ = press(&model, .char(view))
                if seen.isEmpty { _ = press(&model, .char("g")) }
                let cache = model.aimedCache
                _ = press(&model, .char("8"))
                #expect(model.view == .whatIf && model.aimedCache == cache)
                seen.insert(cache ?? "")
                _ = press(&model, .char("8"))
                #expect(model.aimedCache == cache)
                _ = press(&model, .char(view), .char("j"))
            }
            #expect(seen == Set(model.cacheNames), "\(view)")
            // Where entries are selected it is the cache of that one again.
            _ = press(&model, .char("1"), .char("8"))
            #expect(model.aimedCache == model.cursor?.cache)
            // It goes on to the next one, and round.
            for cache in [1, 0, 1].map({ model.cacheNames[$0] }) {
                #expect(press(&model, .char("a")) == .look && model.aimedCache == cache)
            }
            #expect(model.query.caches.isEmpty)
            // Where nothing is foreseen of one, it is said how to go on.
            model.whatIf.failed("nothing is foreseen", of: model.aimedCache ?? "")
            #expect(text(model).contains("a shows the next cache"))
        }
    }

    @Test func `Enter plans the bounds under the cursor, and nothing where they are as now`() {
        var model = shown()
        #expect(press(&model, .enter) == nil)
        #expect(model.toast?.text == "that is what accounts has already")
        let effect = press(&model, .char("j"), .enter)
        #expect(
            effect
                == .plan(
                    .configure(
                        cache: "accounts",
                        to: CacheConfiguration(maxsize: 128, ttl: .seconds(300)))))
    }

    @Test func `M shows fetches a second, what is outdated, and hits again`() {
        var model = shown()
        _ = press(&model, .char("M"))
        #expect(text(model).contains("fetches a second"))
        _ = press(&model, .char("M"))
        #expect(text(model).contains("outdated look-ups") && text(model).contains("[0.3%]"))
        _ = press(&model, .char("M"))
        #expect(text(model).contains("accounts  hit ratio"))
        _ = press(&model, .char("1"), .char("M"))
        #expect(model.toast?.text == "that is for What if; 8 shows it")
    }

    @Test func `says which knob to turn, and how the last forecast held`() {
        var answer = foreseen
        for place in answer.points.indices
        where answer.points[place].bounds.ttl! > .seconds(300) {
            answer.points[place].fetchesPerSecond -= 5
            (answer.points[place].stale, answer.points[place].staleError) = (0, 0.001)
        }
        var model = shown()
        model.whatIf.take(answer)
        let screen = text(model)
        // 20m and 40m are longer than the record: how old values would grow, nobody knows.
        #expect(screen.contains("0 of 1,214 refetches had changed: ttl 10m would spare"))
        #expect(screen.contains("would bring"))
        #expect(screen.contains(", as foreseen; 1 of 1 forecasts held"))
    }

    @Test func `marks ttls that are longer than the record, and says why`() {
        var model = shown()
        #expect(text(model).contains(" 20m?") && !text(model).contains(" 10m?"))
        #expect(!text(model).contains("older than the record"))
        _ = press(&model, .char("l"), .char("l"))
        #expect(text(model).contains("older than the record, 10m00s"))
    }

    @Test func `says how sure it is of what is outdated, and what it does not know`() {
        var answer = foreseen
        for place in answer.points.indices {
            (answer.points[place].stale, answer.points[place].staleError) = (0, 0.031)
        }
        answer.present = answer.points[24]
        answer.basis.lookups = 300_000
        var model = shown()
        model.whatIf.take(answer)
        model.whatIf.figure = .stale
        // No change was seen: it may be as much as that.
        #expect(text(model).contains("[<3.1%]") && !text(model).contains("~<"))
        #expect(text(model).contains("30,000 look-ups of the last 10m00s in stretches"))
        #expect(text(model).contains("< at most"))
        for place in answer.points.indices {
            (answer.points[place].stale, answer.points[place].staleError) = (nil, nil)
        }
        answer.basis.changes = ChangeRate(compared: 12, changed: 12, least: 0.1)
        model.whatIf.take(answer)
        #expect(text(model).contains("every refetch (12)"))
        model.whatIf.failed("no look-ups are on record", of: "accounts")
        #expect(text(model).contains("as it was: no look-ups are on record"))
    }

    @Test func `keeps the words on the cursor's point where there is little room`() {
        for size in [(60, 18), (80, 18), (80, 24)] {
            var model = model(size.0, size.1)
            _ = press(&model, .char("8"))
            model.whatIf.take(foreseen)
            for key in [Key.char("j"), .char("j"), .end] {
                _ = press(&model, key)
                let bounds = model.whatIf.chosen?.bounds.maxsize ?? 0
                #expect(
                    text(model).contains("maxsize \(bounds), ttl 5m"), "\(size): \(text(model))")
                #expect(text(model).contains("MAXSIZE/TTL"))
            }
        }
    }

    @Test func `is worked out anew every ten seconds, and says so`() {
        #expect(text(shown()).contains("every 10s"))
    }

    @Test func `waits in words, and says why nothing is foreseen`() {
        var model = model(80, 24)
        _ = press(&model, .char("8"))
        #expect(text(model).contains("waiting for what is foreseen"))
        var look = Look(
            report: report(), page: EntryPage(at: at(1000), rows: rows, matched: 3, total: 3),
            query: model.query, events: [], dropped: 0)
        look.whatIfProblem = "no look-ups of accounts are on record"
        look.whatIfCache = "accounts"
        _ = update(&model, .looked(look))
        #expect(text(model).contains("no look-ups of accounts are on record"))
    }

    @Test func `shows nothing of another cache, whenever that comes, nor forgets its own`() {
        var model = shown()
        var look = Look(
            report: report(), page: EntryPage(at: at(1000), rows: rows, matched: 3, total: 3),
            query: model.query, events: [], dropped: 0)
        (look.whatIf, look.whatIfCache) = (foreseen, "accounts")
        _ = press(&model, .char("a"))
        #expect(model.whatIf.answer == nil && press(&model, .enter) == nil)
        #expect(text(model).contains("waiting for what is foreseen of credentials"))
        _ = update(&model, .looked(look))
        #expect(model.whatIf.answer == nil)
        (look.whatIf, look.whatIfProblem) = (nil, "no look-ups of accounts")
        _ = update(&model, .looked(look))
        #expect(model.whatIf.problem == nil)
        (look.whatIfCache, look.whatIfProblem) = ("credentials", "no look-ups of credentials")
        look.report.instance = "another"
        _ = update(&model, .looked(look))
        #expect(model.aimedCache == "credentials" && model.whatIf.cache == "credentials")
        #expect(text(model).contains("no look-ups of credentials"))
        _ = press(&model, .char("a"))
        (look.whatIf, look.whatIfCache, look.whatIfProblem) = (foreseen, "accounts", nil)
        _ = update(&model, .looked(look))
        #expect(model.whatIf.answer == foreseen)
    }

    @Test func `a plan says what is foreseen`() {
        var model = shown()
        var plan = Plan(
            id: "4f1c", instance: "1f",
            change: .configure(
                cache: "accounts", to: CacheConfiguration(maxsize: 128, ttl: .seconds(300))),
            at: model.now, entries: 0, bytes: 0, victims: [], skipped: [],
            before: CacheConfiguration(maxsize: 64, ttl: .seconds(300)))
        (plan.now, plan.foreseen) = (foreseen.present, foreseen.points[31])
        _ = update(&model, .planned(plan))
        #expect(text(model).contains("Foreseen: maxsize 128, ttl 5m, lru: hit "))
    }
}
