import { UsageError } from '../terminal/failure.ts'

export type Age = typeof import('age-encryption')

/** Encrypts to each recipient, in the armor that is text. No error of the library gets out. */
export async function sealAge(text: string, recipients: readonly string[], { armor, Encrypter }: Age): Promise<string> {
  const encrypter = new Encrypter()
  for (const [index, recipient] of recipients.entries()) addRecipient(encrypter, recipient, index)
  try {
    return armor.encode(await encrypter.encrypt(text))
  } catch {
    throw new UsageError('these recipients cannot be encrypted to together', 'give recipients of one kind: age1… or age1pq1…')
  }
}

function addRecipient(encrypter: InstanceType<Age['Encrypter']>, recipient: string, index: number): void {
  try {
    encrypter.addRecipient(recipient)
  } catch {
    throw new UsageError(`recipient ${index + 1} is none of age`, 'give what age-keygen prints as public key: age1… or age1pq1…')
  }
}
