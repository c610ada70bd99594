import { SecretsError } from '@finchat/secrets-core'
import type { ActionName, InputOf } from '../model/sdk.ts'

const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf'
const labelsOfASecret = 20

interface Version {
  readonly value: string
  readonly createdAt: number
  readonly labels: Set<string>
}

/** One secret with its labels, as AWS's reference documents the actions that read and write them. */
export class LabelledSecret {
  readonly versions: Map<string, Version> = new Map()
  /** The values that a read without a version could have shown. */
  readonly onceCurrent: Set<string> = new Set()
  /** When each value became current, the last time. */
  readonly becameCurrentAt: Map<string, number> = new Map()
  /** What DescribeSecret would have answered after each action. */
  readonly #past: (Record<string, string[]> | undefined)[] = [undefined]
  readonly #isLenient: boolean
  #exists = false
  #isDeleted = false
  #now = 0
  #byHand = 0

  /** `isLenient`: removes a label that no version has; whether AWS does is not documented. */
  constructor(isLenient: boolean = false) {
    this.#isLenient = isLenient
  }

  /** Throws as our API does. */
  perform(action: ActionName, input: Readonly<Record<string, unknown>>): object {
    try {
      return this.#perform(action, input)
    } finally {
      this.#past.push(this.#exists ? this.labelsById() : undefined)
    }
  }

  /** A replica's answer to DescribeSecret, so many actions behind. */
  describedBefore(actions: number): object {
    const labels = this.#past.at(-1 - actions) ?? (actions === 0 ? undefined : this.#past[0])
    if (labels === undefined) throw new SecretsError('NOT_FOUND', 'no such secret')
    return this.#described(labels)
  }

  #perform(action: ActionName, input: Readonly<Record<string, unknown>>): object {
    this.#now += 1
    if (action === 'CreateSecret') return this.#create()
    if (!this.#exists) throw new SecretsError('NOT_FOUND', 'no such secret')
    if (action === 'DescribeSecret') return this.#described(this.labelsById())
    if (action === 'RestoreSecret' || action === 'DeleteSecret') {
      this.#isDeleted = action === 'DeleteSecret'
      return identity
    }
    if (this.#isDeleted) throw new SecretsError('DELETED', 'scheduled for deletion')
    if (action === 'GetSecretValue') {
      const { VersionStage: label = 'AWSCURRENT' }: Partial<InputOf<'GetSecretValue'>> = input
      return this.#get(label)
    }
    if (action === 'PutSecretValue') return this.#put(input as unknown as InputOf<'PutSecretValue'>) // of `addVersion`
    if (action === 'UpdateSecretVersionStage')
      return { ...this.#update(input as unknown as InputOf<'UpdateSecretVersionStage'>), answeredAt: this.#now } // of `attachLabel`
    throw new Error(`${action} is not part of this model`)
  }

  /** Like `aws secretsmanager put-secret-value`; AWS refuses without room for the labels. */
  putByHand(): void {
    if (!this.#exists || this.#excess(['AWSCURRENT', 'AWSPREVIOUS'])) return
    this.#now += 1
    const id = `by-hand-${(this.#byHand += 1)}`
    this.versions.set(id, { value: `value ${id}`, createdAt: this.#now, labels: new Set() })
    this.#attach('AWSCURRENT', id)
  }

  /** Another user restores the previous version. */
  goBackByHand(): void {
    const before = this.#holder('AWSPREVIOUS')
    this.#now += 1
    if (before !== undefined) this.#attach('AWSCURRENT', before)
  }

  /** The value that AWS has as current. */
  get current(): string | undefined {
    return this.versions.get(this.#holder('AWSCURRENT') ?? '')?.value
  }

  labelsById(): Record<string, string[]> {
    const labelled = [...this.versions].filter(([, { labels }]) => labels.size > 0)
    return Object.fromEntries(labelled.map(([id, { labels }]) => [id, [...labels]]))
  }

  #described(labels: Record<string, string[]>): object {
    return { ...identity, VersionIdsToStages: labels, ...(this.#isDeleted && { DeletedDate: new Date(0) }) }
  }

  #create(): object {
    if (this.#exists) throw conflict()
    this.#exists = true
    return identity
  }

  #get(label: string): object {
    const id = this.#holder(label)
    const version = id === undefined ? undefined : this.versions.get(id)
    if (version === undefined) throw new SecretsError('NOT_FOUND', 'no such version')
    const { value, createdAt, labels } = version
    return { ...identity, VersionId: id, VersionStages: [...labels], SecretString: value, CreatedDate: new Date(createdAt) }
  }

  #put({ ClientRequestToken: id = '', SecretString: value = '', VersionStages: labels = [] }: InputOf<'PutSecretValue'>): object {
    const known = this.versions.get(id)
    if (known !== undefined && known.value !== value) throw conflict()
    if (known === undefined) {
      const all = this.versions.size === 0 ? [...labels, 'AWSCURRENT'] : labels
      if (this.#excess(all)) throw new SecretsError('CONFIGURATION', 'too many labels')
      this.versions.set(id, { value, createdAt: this.#now, labels: new Set() })
      for (const label of all) this.#attach(label, id, false)
      this.#note()
    }
    return { ...identity, VersionId: id, VersionStages: [...(this.versions.get(id)?.labels ?? [])] }
  }

  #update({ VersionStage: label = '', MoveToVersionId: to, RemoveFromVersionId: from }: InputOf<'UpdateSecretVersionStage'>): object {
    const holder = this.#holder(label)
    const isNowhere = this.#isLenient && to === undefined && holder === undefined
    if (from !== undefined && from !== holder && !isNowhere) throw conflict()
    if (to === undefined) {
      if (label === 'AWSCURRENT') throw new Error('AWSCURRENT is never removed')
      if (holder !== undefined) this.versions.get(holder)?.labels.delete(label)
      return identity
    }
    if (from === undefined && holder !== undefined && holder !== to) throw conflict()
    if (this.#excess([label])) throw new SecretsError('CONFIGURATION', 'too many labels')
    this.#attach(label, to)
    return identity
  }

  #attach(label: string, id: string, isWhole = true): void {
    const holder = this.#holder(label)
    if (holder === id) return
    if (holder !== undefined) this.versions.get(holder)?.labels.delete(label)
    const version = this.versions.get(id)
    version?.labels.add(label)
    if (label === 'AWSCURRENT' && version !== undefined) this.becameCurrentAt.set(version.value, this.#now)
    if (label === 'AWSCURRENT' && holder !== undefined) this.#attach('AWSPREVIOUS', holder, false)
    if (isWhole) this.#note()
  }

  #note(): void {
    const { value, labels } = this.versions.get(this.#holder('AWSCURRENT') ?? '') ?? { value: '', labels: new Set<string>() }
    if (!labels.has('unreleased')) this.onceCurrent.add(value)
  }

  #holder(label: string): string | undefined {
    return [...this.versions].find(([, { labels }]) => labels.has(label))?.[0]
  }

  #excess(added: readonly string[]): boolean {
    const attached = [...this.versions.values()].flatMap(({ labels }) => [...labels])
    return new Set([...attached, ...added]).size > labelsOfASecret
  }
}

const identity = { ARN: arn, Name: 'prod/db' }

function conflict(): SecretsError {
  return new SecretsError('VERSION_CONFLICT', 'refused')
}
