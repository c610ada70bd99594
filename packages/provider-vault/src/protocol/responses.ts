import { member } from '@finchat/secrets-core/http'
import type { SecretsErrorCode } from '@finchat/secrets-core'
import { isJsonObject } from '@finchat/secrets-core/provider'
import { says, type VaultAnswer } from '../http/answer.ts'

/** An unanswered write may have been done; a refused login is the credential's fault. */
export type CallKind = 'read' | 'write' | 'login'

/** The error that an answer means. */
export interface Outcome {
  readonly code: SecretsErrorCode
  readonly problem: string
  readonly remedy?: string
  /**
   * `read`: reads and logins may be repeated, a few times. `all`: writes too, because the server
   * did nothing. `election`: reads and logins may be repeated until the deadline, because a leader
   * will be elected.
   */
  readonly again?: 'read' | 'all' | 'election'
  /** A write may have been done. */
  readonly isOpen?: true
}

interface Row {
  readonly status: readonly number[] | ((status: number) => boolean)
  readonly when?: (answer: VaultAnswer) => boolean
  readonly calls?: readonly CallKind[]
  /** `answer`: no error, but a result or "does not exist". */
  readonly is: Outcome | 'answer'
}

const fails = (code: SecretsErrorCode, problem: string, remedy: string): Outcome => ({ code, problem, remedy })
const outage = (problem: string, remedy: string): Outcome => fails('UNAVAILABLE', problem, remedy)
const broken = (problem: string): Outcome => ({ ...outage(problem, 'see the log of the server'), again: 'read', isOpen: true })
const reachVault = 'point `url` at Vault itself, or at what passes its answers on unchanged'
const notVaults = (code: SecretsErrorCode): Outcome => fails(code, 'the answer is not one of Vault', reachVault)

const refused = fails('UNAUTHENTICATED', 'Vault refused the credential', 'give a valid one')
const behind: Outcome = { ...outage('the node is behind what was read or written before', 'try again'), again: 'all' }
/** A standby that could not forward the request, or lost the leader meanwhile. */
const leaderless: Outcome = {
  ...outage('the node does not reach a leader of the cluster', 'try again, or look at the cluster'),
  again: 'election',
  isOpen: true,
}
const upgrading = outage('the mount is being upgraded to versions', 'wait until it is done')
const unknown: Outcome = { ...fails('INTERNAL', 'the status of the answer is not known', reachVault), isOpen: true }

/** Measured on OpenBao 2.7 and compared with Vault's documentation. The first match counts. */
const table: readonly Row[] = [
  { status: [200], when: isVaults, is: 'answer' },
  { status: [204], is: 'answer' },
  { status: (status) => status < 300, is: { ...notVaults('INTERNAL'), isOpen: true } },

  { status: [307], is: leaderless },
  { status: (status) => status < 400, is: fails('CONFIGURATION', 'the server redirects, which is not followed with a token', reachVault) },

  { status: [400], when: isEmpty, is: fails('INVALID_ARGUMENT', 'Vault refused the path', 'use printable characters only') },
  { status: [400], when: isHttpsHint, is: fails('CONFIGURATION', 'the server speaks https', 'write https:// in `url`') },
  { status: [400], when: isOthers, is: notVaults('CONFIGURATION') },
  { status: [400], calls: ['login'], is: refused },
  { status: [400], when: saying('from non-versioned to versioned data'), is: upgrading },
  { status: [400], when: isCasMismatch, is: fails('VERSION_CONFLICT', 'another version is current', 'read it, and decide anew') },
  { status: [400], when: isCasRequired, is: fails('CONFIGURATION', 'the mount takes no write without a version', 'write with a version') },
  { status: [400], is: fails('INVALID_ARGUMENT', 'Vault refused the request', 'check the path, the value and the tags') },

  { status: [401], is: refused },
  { status: [403], when: isOthers, is: fails('PERMISSION_DENIED', 'something before Vault does not allow it', reachVault) },
  { status: [403], calls: ['login'], is: refused },
  { status: [403], is: fails('PERMISSION_DENIED', "the token's policies do not allow it", 'allow it, or route the name away') },

  { status: [404], calls: ['read', 'write'], when: isAbsence, is: 'answer' },
  { status: [404], when: isDestroyed, is: fails('DELETED', 'the version was destroyed', 'write a new one with `storeSecret`') },
  {
    status: [404],
    when: isDeleted,
    is: fails('DELETED', 'the secret was deleted', 'restore it, or write a new version with `storeSecret`'),
  },
  { status: [404], when: isOtherVersion, is: fails('CONFIGURATION', 'the mount is of another version of KV', 'correct `kvVersion`') },
  { status: [404], when: isVaults, is: fails('CONFIGURATION', 'there is no such mount or namespace', 'correct `mount` or `namespace`') },
  { status: [404], is: notVaults('CONFIGURATION') },

  { status: [405, 415], is: fails('CONFIGURATION', 'the server does not know this operation on this path', 'check that `mount` is of KV') },
  // A proxy closes an idle connection, also if a request is on its way.
  { status: [408], is: { ...broken('a proxy before Vault got no whole request in time'), remedy: 'look at its time limits' } },
  { status: [412], is: behind },
  { status: [413], is: fails('INVALID_ARGUMENT', 'the request is too large for the server', 'store less') },
  { status: [429], when: isAbsence, is: behind },
  { status: [429], is: fails('RATE_LIMITED', 'a rate limit is exceeded', 'ask less often, or raise the quota') },
  { status: [472, 473], is: outage('the node is a standby that answers no such request', 'point `url` at the active cluster') },

  { status: [501], is: outage('Vault is not initialised', 'initialise and unseal it') },
  // A standby that knew a leader, could not forward the request, and then knows none.
  { status: [503], when: saying('no active'), is: leaderless },
  { status: [503], when: saying('namespace is sealed'), is: outage('the namespace is sealed', 'unseal it') },
  { status: [503], when: saying('namespace has been locked'), is: outage('the namespace is locked', 'unlock it') },
  { status: [503], when: saying('is sealed'), is: outage('Vault is sealed', 'unseal it') },
  { status: [503], when: isVaults, is: broken('Vault takes no request now') },
  { status: [500], when: saying('node not active'), is: leaderless },
  { status: [500], is: broken('the server failed') },
  { status: [502, 503, 504], is: broken('a proxy before Vault cannot reach it') },
  { status: () => true, is: unknown },
]

/** The error of an answer; undefined for a result or a 404 of a missing secret. */
export function classify(answer: VaultAnswer, call: CallKind): Outcome | undefined {
  const row = table.find(({ status, calls, when }) => {
    const hasStatus = typeof status === 'function' ? status(answer.status) : status.includes(answer.status)
    return hasStatus && (calls?.includes(call) ?? true) && (when?.(answer) ?? true)
  })
  return row === undefined || row.is === 'answer' ? undefined : row.is
}

function saying(phrase: string): (answer: VaultAnswer) => boolean {
  return (answer) => says(answer, 'errors', phrase)
}

/** Answers of Go's server, nginx and Apache to plain http on an https port. */
const httpsHints = ['HTTP request to an HTTPS server', 'plain HTTP request was sent to HTTPS port', 'plain HTTP to an SSL-enabled server']

function isHttpsHint({ text }: VaultAnswer): boolean {
  return httpsHints.some((hint) => text.includes(hint))
}

function isCasMismatch(answer: VaultAnswer): boolean {
  return answer.status === 400 && says(answer, 'errors', 'check-and-set parameter did not match')
}

export function isCasRequired(answer: VaultAnswer): boolean {
  return answer.status === 400 && says(answer, 'errors', 'check-and-set parameter required')
}

/** A KV mount that was asked as the other version. */
export function isOtherVersion(answer: VaultAnswer): boolean {
  return answer.status === 404 && says(answer, 'warnings', 'Invalid path for a versioned K/V')
}

/** An object with errors, data, or the result of a login. */
export function isVaults({ body }: VaultAnswer): boolean {
  return (
    Array.isArray(body?.['errors']) ||
    isJsonObject(body?.['data']) ||
    isJsonObject(body?.['auth']) ||
    (body !== undefined && 'request_id' in body)
  )
}

function isOthers(answer: VaultAnswer): boolean {
  return !isVaults(answer)
}

/** Vault's answer to a path with unprintable characters. */
function isEmpty({ text }: VaultAnswer): boolean {
  return text === ''
}

export function isAbsence({ body }: VaultAnswer): boolean {
  const errors = body?.['errors']
  return Array.isArray(errors) && errors.length === 0 && Object.keys(body ?? {}).length === 1
}

function isDestroyed({ body }: VaultAnswer): boolean {
  return member(body, 'data', 'metadata', 'destroyed') === true
}

/** Includes a deletion time that has passed. */
function isDeleted({ body }: VaultAnswer): boolean {
  const time = member(body, 'data', 'metadata', 'deletion_time')
  return typeof time === 'string' && time !== ''
}
