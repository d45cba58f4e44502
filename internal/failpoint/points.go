package failpoint

// Point is a moment, named after where it lies.
type Point string

// The points, in the order in which a write passes them.
const (
	// What comes before the first request.
	MigrateBegin Point = "migrate.begin" // the version was read, and is not the newest
	MigrateStep  Point = "migrate.step"  // one migration of several was made
	MigrateEnd   Point = "migrate.end"
	KeyAbsent    Point = "key.absent"  // there is no key yet, and none was made
	KeyWritten   Point = "key.written" // the file is there, and nothing is wrapped by it
	Listening    Point = "listening"   // bound, and not answering

	// The writer of SQLite. A batch is what it commits together.
	SQLiteWriter     Point = "sqlite.writer" // the connection is open
	SQLiteBegun      Point = "sqlite.begun"
	SQLiteUpdated    Point = "sqlite.updated" // one update of the batch was carried out
	SQLiteCommitting Point = "sqlite.committing"
	SQLiteCommitted  Point = "sqlite.committed" // and nobody was told
	SQLiteAnswered   Point = "sqlite.answered"
	SQLiteTrim       Point = "sqlite.trim" // before the log is copied into the file
	SQLiteTrimmed    Point = "sqlite.trimmed"

	PostgresBegun      Point = "postgres.begun"
	PostgresUpdated    Point = "postgres.updated"
	PostgresCommitting Point = "postgres.committing"
	PostgresCommitted  Point = "postgres.committed" // and nobody was told
	PostgresAgain      Point = "postgres.again"     // neighbours were in the way

	// The answer to a request.
	ReplyHead Point = "reply.head" // before the head
	ReplyBody Point = "reply.body" // after the head, before the first of the body
	ReplyEnd  Point = "reply.end"  // after all of it was handed on

	BatchSynced   Point = "batch.synced"   // a piece of a batch is in the database, its lines are not answered
	BatchAnswered Point = "batch.answered" // they are

	// What is done after a commit.
	EventsNumber   Point = "events.number" // before events are numbered
	EventsNumbered Point = "events.numbered"
	JobLeased      Point = "job.leased" // a job is this worker's
	JobDone        Point = "job.done"   // its effect is there, and not written down
	JobNoted       Point = "job.noted"  // it is
	SMTPConnect    Point = "smtp.connect"
	SMTPData       Point = "smtp.data"  // before the mail itself
	SMTPTaken      Point = "smtp.taken" // the server has it, and nobody knows
)

// All are the points.
func All() []Point {
	return []Point{
		MigrateBegin, MigrateStep, MigrateEnd, KeyAbsent, KeyWritten, Listening,
		SQLiteWriter, SQLiteBegun, SQLiteUpdated, SQLiteCommitting, SQLiteCommitted, SQLiteAnswered, SQLiteTrim, SQLiteTrimmed,
		PostgresBegun, PostgresUpdated, PostgresCommitting, PostgresCommitted, PostgresAgain,
		ReplyHead, ReplyBody, ReplyEnd, BatchSynced, BatchAnswered,
		EventsNumber, EventsNumbered, JobLeased, JobDone, JobNoted, SMTPConnect, SMTPData, SMTPTaken,
	}
}
