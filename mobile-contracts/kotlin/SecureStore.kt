package keyledger

/**
 * Where the client keeps its secrets: tokens, the flow token, and a request that has no answer yet (which may hold a password).
 * On Android: encrypted with a key of the Android Keystore, in a file that no backup contains (`noBackupFilesDir`).
 *
 * Each method is done when it returns, and may be called from any thread.
 */
interface SecureStore {
    fun get(name: String): String?

    fun put(name: String, value: String)

    fun remove(name: String)
}

/** For tests: it forgets everything with the process. */
class InMemoryStore : SecureStore {
    private val kept = java.util.concurrent.ConcurrentHashMap<String, String>()

    override fun get(name: String): String? = kept[name]

    override fun put(name: String, value: String) {
        kept[name] = value
    }

    override fun remove(name: String) {
        kept.remove(name)
    }
}
