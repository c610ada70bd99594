import type { Decrypter } from 'age-encryption'
import { configurationError, SecretsError } from '@finchat/secrets-core/provider'
import { loadAge } from './identity.ts'

/** Trying a key on each recipient takes a millisecond or more. */
const mostRecipients = 64

/**
 * Returns the content of an age file, binary or armored. Rejects with `CONFIGURATION` if it is for
 * no identity of the decrypter, and with `INTEGRITY` if it is damaged. `subject` names it in errors.
 */
export async function openAge(content: Uint8Array, decrypter: Decrypter, subject: string): Promise<Uint8Array> {
  const opened = await tryAge(content, decrypter, subject)
  if (opened === undefined) throw notForUs(subject)
  return opened
}

export function notForUs(subject: string): SecretsError {
  return configurationError(
    `${subject} is encrypted to other recipients`,
    'encrypt it to the recipient of this identity, or give its identity',
  )
}

/** As `openAge`; `undefined` if the file is for no identity of the decrypter. */
export async function tryAge(content: Uint8Array, decrypter: Decrypter, subject: string): Promise<Uint8Array | undefined> {
  try {
    const file = await withoutArmor(content)
    if (recipientsIn(file) > mostRecipients) throw tooManyRecipients(subject)
    return await decrypter.decrypt(file)
  } catch (error) {
    if (SecretsError.isInstance(error)) throw error
    // The library has no codes. With another text, the file counts as damaged, which stops a chain too.
    if (error instanceof Error && error.message === "no identity matched any of the file's recipients") return undefined
    throw new SecretsError('INTEGRITY', `${subject} is damaged, or no age file`, { remedy: 'encrypt it again, or restore it' })
  }
}

const armorStart = '-----BEGIN AGE ENCRYPTED FILE-----'

async function withoutArmor(content: Uint8Array): Promise<Uint8Array> {
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
  if (!text.subarray(0, armorStart.length).equals(Buffer.from(armorStart))) return content
  return (await loadAge()).armor.decode(text.toString('latin1'))
}

/** The header is text: each recipient has a line `-> …`, and the last line begins with `--- `. */
function recipientsIn(file: Uint8Array): number {
  const text = Buffer.from(file.buffer, file.byteOffset, file.byteLength)
  const end = text.indexOf('\n--- ')
  let count = 0
  for (let at = text.indexOf('\n-> '); at !== -1 && at < end && count <= mostRecipients; at = text.indexOf('\n-> ', at + 1)) count += 1
  return count
}

function tooManyRecipients(subject: string): SecretsError {
  return configurationError(`${subject} has more than ${mostRecipients} recipients`, 'encrypt it to fewer')
}
