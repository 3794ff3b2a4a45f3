import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.LoadingCache;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;

/**
 * Caffeine beside larder-bench: a workload a line in, one number a line out.
 *
 * <pre>
 *   hit N T | cached N T | mixed N T   N keys held, T threads: nanoseconds an operation
 *   churn SIZE N | fetch SIZE N        N keys through a cache of SIZE
 *   trace POLICY SIZE KEY...           hit ratio in per cent, of Caffeine's own policy
 *   shrink N | ttl N                   seconds to go from N entries to 10, milliseconds to change their ttl
 * </pre>
 *
 * Anything else is answered with "-". Like ours, every cache has a ttl and counts.
 */
final class CaffeinePeer {
    record Account(String name, long credit, boolean isOpen) {
        Account(long number) {
            this("Account " + (100_000_000_000L + number), number, true);
        }
    }

    /** From a place in the order, so many operations; returns the last value. */
    interface Loop {
        Account run(int start, int count);
    }

    static final double ENOUGH = 50e6, AIM = 100e6, WARM = 2e9;
    static volatile Account sink;

    static String[] keys(int count) {
        String[] keys = new String[count];
        for (int n = 0; n < count; n++) keys[n] = Long.toString(100_000_000_000L + n);
        return keys;
    }

    /** The order of visits, drawn as every other side draws it. */
    static int[] order(int count, int writes) {
        int[] order = new int[Math.max(1 << 16, 4 * count)];
        long state = 1;
        for (int n = 0; n < order.length; n++) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            int place = (int) ((state >>> 33) % count);
            order[n] = writes > 0 && (n + 1) % writes == 0 ? ~place : place;
        }
        return order;
    }

    static Caffeine<Object, Object> builder(int maxsize) {
        return Caffeine.newBuilder().maximumSize(maxsize).expireAfterWrite(1, TimeUnit.HOURS).recordStats();
    }

    static Cache<String, Account> filled(String[] keys) {
        Cache<String, Account> cache = builder(keys.length).build();
        for (int n = 0; n < keys.length; n++) cache.put(keys[n], new Account(n));
        cache.cleanUp();
        return cache;
    }

    // The loops are written out once each, and are called often: so each is compiled for itself.

    static Loop hit(LoadingCache<String, Account> cache, String[] keys, int[] order) {
        return (start, count) -> {
            Account held = null;
            for (int place = start; count > 0; count--) {
                held = cache.get(keys[order[place]]);
                if (++place == order.length) place = 0;
            }
            return held;
        };
    }

    static Loop cached(Cache<String, Account> cache, String[] keys, int[] order) {
        return (start, count) -> {
            Account held = null;
            for (int place = start; count > 0; count--) {
                held = cache.getIfPresent(keys[order[place]]);
                if (++place == order.length) place = 0;
            }
            return held;
        };
    }

    static Loop churn(Cache<String, Account> cache, String[] keys, int[] order) {
        Account fresh = new Account(1);
        return (start, count) -> {
            Account held = fresh;
            for (int place = start; count > 0; count--) {
                String key = keys[order[place]];
                Account found = cache.getIfPresent(key);
                if (found == null) cache.put(key, fresh); else held = found;
                if (++place == order.length) place = 0;
            }
            return held;
        };
    }

    static Loop mixed(Cache<String, Account> cache, String[] keys, int[] order) {
        Account fresh = new Account(1);
        return (start, count) -> {
            Account held = fresh;
            for (int place = start; count > 0; count--) {
                int index = order[place];
                if (index < 0) cache.put(keys[~index], fresh); else held = cache.getIfPresent(keys[index]);
                if (++place == order.length) place = 0;
            }
            return held;
        };
    }

    /** Samples of a loop, on as many threads at once: nanoseconds an operation. */
    static final class Timed {
        final Loop loop;
        final int length, threads;
        long count = 1 << 16;
        double warmed = 0;

        Timed(Loop loop, int length, int threads) {
            this.loop = loop;
            this.length = length;
            this.threads = threads;
        }

        void work(int worker, long count) {
            int start = length / threads * worker;
            while (count > 0) {
                int chunk = (int) Math.min(count, 4096);
                sink = loop.run(start, chunk);
                start = (start + chunk) % length;
                count -= chunk;
            }
        }

        double run() throws Exception {
            CyclicBarrier line = new CyclicBarrier(threads);
            long[] began = new long[threads], ended = new long[threads];
            Thread[] workers = new Thread[threads];
            for (int n = 0; n < threads; n++) {
                int worker = n;
                workers[n] = new Thread(() -> {
                    try { line.await(); } catch (Exception broken) { throw new IllegalStateException(broken); }
                    began[worker] = System.nanoTime();
                    work(worker, count / threads);
                    ended[worker] = System.nanoTime();
                });
                workers[n].start();
            }
            for (Thread worker : workers) worker.join();
            long first = Long.MAX_VALUE, last = Long.MIN_VALUE;
            for (int n = 0; n < threads; n++) {
                first = Math.min(first, began[n]);
                last = Math.max(last, ended[n]);
            }
            return last - first;
        }

        double sample() {
            while (true) {
                double took;
                try { took = run(); } catch (Exception broken) { throw new IllegalStateException(broken); }
                if (took >= ENOUGH && warmed >= WARM) return took / count;
                warmed += took;
                // It becomes faster while it is compiled, so the count is found anew until it is warm.
                if (took < ENOUGH || took > 2 * AIM) count = Math.max(1024, Math.min(16 * count, (long) (count * AIM / took)));
            }
        }
    }

    static double trace(String[] words) {
        Cache<String, Boolean> cache =
            Caffeine.newBuilder().maximumSize(Long.parseLong(words[2])).executor(Runnable::run).build();
        int hits = 0;
        for (int n = 3; n < words.length; n++) {
            if (cache.getIfPresent(words[n]) != null) hits++; else cache.put(words[n], true);
        }
        return 100.0 * hits / (words.length - 3);
    }

    static double shrink(int count) {
        Cache<String, Account> cache = filled(keys(count));
        long began = System.nanoTime();
        cache.policy().eviction().get().setMaximum(10);
        cache.cleanUp();
        double took = (System.nanoTime() - began) / 1e9;
        if (cache.asMap().size() > 10) throw new IllegalStateException("it did not shrink");
        return took;
    }

    static double ttl(Cache<String, Account> cache) {
        long began = System.nanoTime();
        cache.policy().expireAfterWrite().get().setExpiresAfter(2, TimeUnit.HOURS);
        return (System.nanoTime() - began) / 1e6;
    }

    /** What takes the samples of a workload; null where there is nothing to take. */
    static DoubleSupplier prepare(String[] words) {
        if (words[0].equals("trace")) {
            if (!words[1].equals("tinylfu")) return null;
            double ratio = trace(words);
            return () -> ratio;
        }
        int size = Integer.parseInt(words[1]);
        int second = words.length > 2 ? Integer.parseInt(words[2]) : 1;
        switch (words[0]) {
            case "hit" -> {
                String[] keys = keys(size);
                LoadingCache<String, Account> cache = builder(size).build(key -> new Account(Long.parseLong(key)));
                for (String key : keys) cache.get(key);
                int[] order = order(size, 0);
                return new Timed(hit(cache, keys, order), order.length, second)::sample;
            }
            case "fetch" -> {
                Account fresh = new Account(1);
                int[] order = order(second, 0);
                return new Timed(hit(builder(size).build(key -> fresh), keys(second), order), order.length, 1)::sample;
            }
            case "cached" -> {
                String[] keys = keys(size);
                int[] order = order(size, 0);
                return new Timed(cached(filled(keys), keys, order), order.length, second)::sample;
            }
            case "mixed" -> {
                String[] keys = keys(size);
                int[] order = order(size, 10);
                return new Timed(mixed(filled(keys), keys, order), order.length, second)::sample;
            }
            case "churn" -> {
                int[] order = order(second, 0);
                return new Timed(churn(builder(size).build(), keys(second), order), order.length, 1)::sample;
            }
            case "shrink" -> {
                return () -> shrink(size);
            }
            case "ttl" -> {
                Cache<String, Account> cache = filled(keys(size));
                return () -> ttl(cache);
            }
            default -> {
                return null;
            }
        }
    }

    public static void main(String[] arguments) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        String known = null;
        DoubleSupplier sample = null;
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (!line.equals(known)) {
                known = line;
                sample = null;
                sample = prepare(line.split(" "));
            }
            System.out.println(sample == null ? "-" : sample.getAsDouble());
        }
    }
}
