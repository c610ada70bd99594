/**
 * A key of a bucket, and one token of a subject. NATS allows letters, digits and `- / = _`, so that
 * each other character becomes `=` and its four hexadecimal digits.
 */
export function keyName(name: string): string {
  return name.replace(/[^\w-]/g, (character) => `=${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Announcements are no part of the bucket. */
export function subjectOf(channel: string): string {
  return `finchat_secrets.${keyName(channel)}`
}
