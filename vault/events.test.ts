import { describe } from 'vitest'
import { describeStored } from '../domain/testing-stored.ts'
import { keyEvents } from './events.ts'

describe('key-', () => describeStored(keyEvents, new URL('stored/', import.meta.url)))
