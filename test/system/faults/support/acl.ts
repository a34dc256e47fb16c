/** The minimal rights that the processes of a fleet need, as docs/fleet.md lists them (F29). */
export const MINIMAL: readonly string[] = (
  'resetkeys resetchannels -@all ~recloser:2:* &recloser:2 ' +
  '+eval +evalsha +time +hmget +hlen +hset +hdel +pexpire +persist +publish +subscribe +unsubscribe +ping +select'
).split(' ')
