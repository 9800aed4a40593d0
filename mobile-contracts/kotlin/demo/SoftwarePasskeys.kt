package keyledger.demo

import java.io.ByteArrayOutputStream
import java.io.DataOutputStream
import java.io.File
import java.math.BigInteger
import java.security.KeyFactory
import java.security.KeyPairGenerator
import java.security.MessageDigest
import java.security.SecureRandom
import java.security.Signature
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import java.security.spec.PKCS8EncodedKeySpec
import java.util.Base64
import keyledger.Json
import keyledger.JsonObject
import keyledger.PasskeyFailure
import keyledger.Passkeys
import keyledger.Signals

/** Passkeys in a file, made by software as a phone's credential manager would: for trying the client out, and for nothing else. */
class SoftwarePasskeys(private val file: File, private val origin: String) : Passkeys {
    val heard = mutableListOf<String>()

    override fun create(optionsJson: String, conditional: Boolean): String {
        val options = Json.readObject(optionsJson)
        val rpId = (options["rp"] as Map<*, *>)["id"] as String
        val kept = kept()
        val excluded = idsIn(options["excludeCredentials"])
        if (kept.any { it["id"] in excluded }) throw PasskeyFailure("CreatePublicKeyCredentialDomException/InvalidStateError")
        val pair = KeyPairGenerator.getInstance("EC").apply { initialize(ECGenParameterSpec("secp256r1")) }.generateKeyPair()
        val id = ByteArray(16).also(SecureRandom()::nextBytes)
        val point = (pair.public as ECPublicKey).w
        // RFC 9053, 7.1.1: EC2, ES256, P-256.
        val coseKey = cbor(mapOf(1 to 2, 3 to -7, -1 to 1, -2 to coordinate(point.affineX), -3 to coordinate(point.affineY)))
        // WebAuthn Level 3, 6.1: no AAGUID, then the id with its length.
        val attested = ByteArray(16) + byteArrayOf(0, id.size.toByte()) + id + coseKey
        val attestation = cbor(mapOf("fmt" to "none", "attStmt" to emptyMap<Any, Any>(), "authData" to authenticatorData(rpId, ATTESTED) + attested))
        val passkey = mapOf("id" to text(id), "rpId" to rpId, "user" to (options["user"] as Map<*, *>)["id"], "key" to text(pair.private.encoded))
        file.writeText(Json.write(kept + passkey))
        val response =
            mapOf("clientDataJSON" to text(clientData("webauthn.create", options)), "attestationObject" to text(attestation), "transports" to listOf("internal"))
        return credential(text(id), response)
    }

    override fun get(requestJson: String, preferImmediatelyAvailable: Boolean): String {
        val options = Json.readObject(requestJson)
        val rpId = options["rpId"] as String
        val allowed = idsIn(options["allowCredentials"])
        val passkey =
            kept().lastOrNull { it["rpId"] == rpId && (allowed.isEmpty() || it["id"] in allowed) } ?: throw PasskeyFailure("NoCredentialException")
        val authenticatorData = authenticatorData(rpId, 0)
        val clientData = clientData("webauthn.get", options)
        val key = KeyFactory.getInstance("EC").generatePrivate(PKCS8EncodedKeySpec(bytes(passkey["key"] as String)))
        val signature =
            Signature.getInstance("SHA256withECDSA").run {
                initSign(key)
                update(authenticatorData + sha256(clientData))
                sign()
            }
        val response =
            mapOf("clientDataJSON" to clientData, "authenticatorData" to authenticatorData, "signature" to signature).mapValues { text(it.value) }
        return credential(passkey["id"] as String, response + ("userHandle" to passkey["user"]))
    }

    override fun signal(signals: Signals) {
        heard += "accepted ${signals.acceptedCredentialIds.size}"
        file.writeText(Json.write(kept().filter { it["user"] != signals.userId || it["id"] in signals.acceptedCredentialIds }))
    }

    override fun signalUnknown(rpId: String, credentialId: String) {
        file.writeText(Json.write(kept().filter { it["id"] != credentialId }))
    }

    @Suppress("UNCHECKED_CAST")
    private fun kept(): List<JsonObject> = if (file.exists()) Json.read(file.readText()) as List<JsonObject> else emptyList()

    private fun idsIn(descriptors: Any?): List<Any?> = (descriptors as? List<*>).orEmpty().map { (it as Map<*, *>)["id"] }

    private fun clientData(type: String, options: JsonObject): ByteArray =
        Json.write(mapOf("type" to type, "challenge" to options["challenge"], "origin" to origin, "crossOrigin" to false)).toByteArray()

    /** Present, verified, may be backed up and is; the counter is 0, as of all passkeys that are synchronized. */
    private fun authenticatorData(rpId: String, more: Int): ByteArray = sha256(rpId.toByteArray()) + (0x1D or more).toByte() + ByteArray(4)

    private fun credential(id: String, response: JsonObject): String =
        Json.write(
            mapOf(
                "id" to id,
                "rawId" to id,
                "type" to "public-key",
                "authenticatorAttachment" to "platform",
                "response" to response,
                "clientExtensionResults" to emptyMap<String, Any>(),
            ),
        )

    private companion object {
        const val ATTESTED = 0x40

        fun sha256(bytes: ByteArray): ByteArray = MessageDigest.getInstance("SHA-256").digest(bytes)

        fun text(bytes: ByteArray): String = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes)

        fun bytes(text: String): ByteArray = Base64.getUrlDecoder().decode(text)

        /** 32 bytes, without the byte of the sign. */
        fun coordinate(number: BigInteger): ByteArray = number.toByteArray().takeLast(32).toByteArray().let { ByteArray(32 - it.size) + it }

        /** As much of CBOR (RFC 8949) as an attestation takes. */
        fun cbor(value: Any): ByteArray {
            val out = ByteArrayOutputStream()
            when (value) {
                is Int -> if (value >= 0) out.write(head(0, value)) else out.write(head(1, -1 - value))
                is ByteArray -> out.write(head(2, value.size) + value)
                is String -> value.toByteArray().let { out.write(head(3, it.size) + it) }
                is Map<*, *> -> {
                    out.write(head(5, value.size))
                    for ((name, inner) in value) out.write(cbor(name!!) + cbor(inner!!))
                }
            }
            return out.toByteArray()
        }

        private fun head(major: Int, length: Int): ByteArray {
            val out = ByteArrayOutputStream()
            val data = DataOutputStream(out)
            when {
                length < 24 -> data.writeByte(major shl 5 or length)
                length < 256 -> data.writeShort((major shl 5 or 24) shl 8 or length)
                else -> data.writeByte(major shl 5 or 25).also { data.writeShort(length) }
            }
            return out.toByteArray()
        }
    }
}
