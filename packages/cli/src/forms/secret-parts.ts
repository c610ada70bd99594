/** A secret that stands in another one. */
export interface SecretPart {
  /** Where it stands: the member of a document, `password` in a URL. */
  readonly field: string
  readonly text: string
}

/**
 * What a program may take out of a value and show alone: the password of a URL, and the members of a
 * JSON document. Of a part that stands in the rest of the value as well, nothing is told by itself.
 */
export function secretParts(text: string): readonly SecretPart[] {
  const password = passwordIn(text)
  if (password !== undefined) return passwordParts(text, password)
  const members = membersOf(text)
  const ordinary = members.filter(({ field }) => isOrdinary(field)).map(({ text: told }) => told)
  return members
    .filter(({ field, text: each }) => !isOrdinary(field) && !ordinary.includes(each))
    .flatMap((part) => [part, ...passwordsIn(part)])
}

function passwordsIn({ field, text }: SecretPart): readonly SecretPart[] {
  const password = passwordIn(text)
  return password === undefined ? [] : passwordParts(text, password).map((part) => ({ ...part, field: `${field}/${part.field}` }))
}

/** As a client sends it, and as it is written, unless that is a form of it that is looked for anyway. */
function passwordParts(url: string, password: string): readonly SecretPart[] {
  if (url.replace(password, '').includes(password)) return []
  const sent = decoded(password)
  const written = encodeURIComponent(sent) === password ? [] : [password]
  return [...new Set([...written, sent])].map((text) => ({ field: 'password', text }))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text).toWellFormed()
  } catch {
    return text.toWellFormed()
  }
}

const schemeLetters: ReadonlySet<string> = new Set('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-')

/** Without `URL`, which takes no list of hosts, and without regular expressions: RegExp.input would keep it. */
function passwordIn(url: string): string | undefined {
  const scheme = url.indexOf('://')
  if (scheme <= 0 || !Array.from(url.slice(0, scheme)).every((letter) => schemeLetters.has(letter))) return undefined
  const start = scheme + '://'.length
  const ends = ['/', '?', '#'].map((character) => url.indexOf(character, start)).filter((at) => at >= 0)
  const authority = url.slice(start, Math.min(...ends, url.length))
  const user = authority.slice(0, Math.max(0, authority.lastIndexOf('@')))
  return user.includes(':') ? user.slice(user.indexOf(':') + 1) || undefined : undefined
}

/** Members that are no secrets, by the names that stores, databases and clouds use, in small letters alone. */
const ordinaryFields: ReadonlySet<string> = new Set(
  'username user login host hostname port engine database dbname dbinstanceidentifier region type projectid clientid clientemail authuri tokenuri authproviderx509certurl clientx509certurl universedomain'.split(
    ' ',
  ),
)

function isOrdinary(field: string): boolean {
  const name = field.slice(field.lastIndexOf('/') + 1)
  return ordinaryFields.has(name.toLowerCase().replaceAll(/[-_]/g, ''))
}

/** Deeper documents are no secrets of an application. */
const mostDepth = 8

/** The texts of a JSON document, by their place in it. */
function membersOf(text: string): readonly SecretPart[] {
  try {
    const document: unknown = JSON.parse(text)
    return typeof document === 'object' ? textsIn(document, '', mostDepth) : []
  } catch {
    return []
  }
}

function textsIn(value: unknown, place: string, depth: number): readonly SecretPart[] {
  if (typeof value === 'string') return [{ field: place, text: value }]
  if (typeof value !== 'object' || value === null || depth === 0) return []
  return Object.entries(value).flatMap(([key, member]) => textsIn(member, place === '' ? key : `${place}/${key}`, depth - 1))
}
