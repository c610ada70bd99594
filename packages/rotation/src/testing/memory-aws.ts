import type { AwsRotationClient, ValueAnswer } from '../aws/client.ts'

interface Version {
  readonly value: string | undefined
  readonly createdAt: number
  readonly labels: Set<string>
}

/** The name and message of an error of AWS, with what must never get out. */
function awsFailure(name: string, message: string): Error {
  return Object.assign(new Error(message), {
    name,
    $response: 'c4n4ry of the session token',
    $metadata: { httpStatusCode: 400, requestId: 'r-1' },
  })
}

const invalidParameter = (message: string): Error => awsFailure('InvalidParameterException', message)

/** One secret of AWS Secrets Manager, with what its reference documents of labels and rotation. */
export class MemoryAws implements AwsRotationClient {
  readonly versions: Map<string, Version> = new Map()
  isRotated = true
  isDeleted = false
  /** Whether AWS takes AWSPENDING from a version without a value when that is put; not documented. */
  dropsPending = false
  /** Is told of each move of AWSCURRENT: the value that it was on, and the one that it is on. */
  moved: (from: string | undefined, to: string | undefined) => void = () => {}
  /** So that versions have the same date, as in one second of an emulator. */
  isClockStill = false
  #now: number

  constructor(value: string, labels: readonly string[] = [], now: number = 1_000) {
    this.#now = now
    this.versions.set('first', { value, createdAt: this.#now, labels: new Set(['AWSCURRENT', ...labels]) })
  }

  /** As RotateSecret: a version without a value. */
  begin(token: string): void {
    const holder = this.holder('AWSPENDING')
    if (holder !== undefined && holder !== this.holder('AWSCURRENT'))
      throw awsFailure('InvalidRequestException', "A previous rotation isn't complete.")
    if (!this.versions.has(token)) this.versions.set(token, { value: undefined, createdAt: this.#tick(), labels: new Set() })
    this.#attach('AWSPENDING', token)
  }

  /** As somebody with the console: `value` becomes current. */
  write(id: string, value: string, label = 'AWSCURRENT'): void {
    this.versions.set(id, { value, createdAt: this.#tick(), labels: new Set() })
    this.#attach(label, id)
  }

  holder(label: string): string | undefined {
    return [...this.versions].find(([, { labels }]) => labels.has(label))?.[0]
  }

  valueOf(label: string): string | undefined {
    return this.versions.get(this.holder(label) ?? '')?.value
  }

  labelsOf(id: string): readonly string[] {
    return [...(this.versions.get(id)?.labels ?? [])].toSorted()
  }

  remove(label: string): void {
    this.versions.get(this.holder(label) ?? '')?.labels.delete(label)
  }

  readonly describeSecret: AwsRotationClient['describeSecret'] = async () => ({
    RotationEnabled: this.isRotated,
    DeletedDate: this.isDeleted ? new Date(0) : undefined,
    VersionIdsToStages: Object.fromEntries(
      [...this.versions].filter(([, { labels }]) => labels.size > 0).map(([id, { labels }]) => [id, [...labels]]),
    ),
  })

  readonly getSecretValue: AwsRotationClient['getSecretValue'] = async ({ VersionStage: label }): Promise<ValueAnswer> => {
    const id = this.holder(label)
    const version = this.versions.get(id ?? '')
    if (version?.value === undefined)
      throw awsFailure('ResourceNotFoundException', `Secrets Manager can't find the specified secret value for staging label: ${label}`)
    const { value, createdAt, labels } = version
    return { VersionId: id, VersionStages: [...labels], SecretString: value, CreatedDate: new Date(createdAt) }
  }

  readonly putSecretValue: AwsRotationClient['putSecretValue'] = async ({ ClientRequestToken: id, VersionStages, SecretString: value }) => {
    const known = this.versions.get(id)
    if (known?.value !== undefined && known.value !== value) throw awsFailure('ResourceExistsException', `${value} differs`)
    if (known?.value === undefined) {
      const kept = this.dropsPending ? [] : (known?.labels ?? [])
      this.versions.set(id, { value, createdAt: this.#tick(), labels: new Set(kept) })
      for (const label of VersionStages) this.#attach(label, id)
    }
    return {}
  }

  readonly updateSecretVersionStage: AwsRotationClient['updateSecretVersionStage'] = async (input) => {
    const { VersionStage: label, MoveToVersionId: to, RemoveFromVersionId: from } = input
    const holder = this.holder(label)
    if (from !== undefined && from !== holder) throw invalidParameter(`${label} is not attached to ${from}`)
    if (to === undefined) {
      this.remove(label)
      return {}
    }
    if (from === undefined && holder !== undefined && holder !== to) throw invalidParameter(`${label} is attached to ${holder}`)
    this.#attach(label, to)
    return {}
  }

  #attach(label: string, id: string): void {
    const holder = this.holder(label)
    if (holder === id) return
    const attached = new Set([...this.versions.values()].flatMap(({ labels }) => [...labels]))
    if (attached.add(label).size > 20) throw awsFailure('LimitExceededException', 'too many labels')
    this.remove(label)
    this.versions.get(id)?.labels.add(label)
    if (label === 'AWSCURRENT') this.moved(this.versions.get(holder ?? '')?.value, this.versions.get(id)?.value)
    if (label === 'AWSCURRENT' && holder !== undefined) this.#attach('AWSPREVIOUS', holder)
  }

  #tick(): number {
    return (this.#now += this.isClockStill ? 0 : 1)
  }
}
