/** The rights that the processes of a fleet need, as docs/fleet.md gives them, and no more (F29). */
export const MINIMAL: readonly string[] = (
  'resetkeys resetchannels -@all ~recloser:1:* &recloser:1 ' +
  '+eval +evalsha +time +hgetall +hset +hdel +pexpire +persist +publish +subscribe +unsubscribe +ping'
).split(' ')
