//! `kubectl logs`: what a container has written, and with `follow` what it goes on to write until it ends.
//!
//! Which run of a container is read, its Pod's status says, as a kubelet decides it; what is asked wrongly is refused in a kube-apiserver's words.

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::cause::Cause;
use crate::node::{Line, Logs, RunId};
use crate::request::Query;
use crate::resource::Resource;
use crate::status::ApiError;

/// What is wanted of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Options {
    container: String,
    follow: bool,
    previous: bool,
    timestamps: bool,
    /// So many lines from the end of what there is.
    tail: Option<u64>,
    /// At most so many bytes.
    limit: Option<u64>,
    /// Only lines from then on.
    since: Option<Timestamp>,
}

impl Options {
    /// Reads a request for the log of the Pod `name`.
    pub(crate) fn of(query: &Query, pods: &Resource, name: &str, now: Timestamp) -> Result<Self, ApiError> {
        let (seconds, tail, limit) = (number(query, "sinceSeconds")?, number(query, "tailLines")?, number(query, "limitBytes")?);
        let time = query.given("sinceTime").filter(|text| !text.is_empty()).map(time).transpose()?;
        let mut wrong = Vec::new();
        if tail.is_some_and(|lines| lines < 0) {
            wrong.push(Cause::invalid("tailLines", &json!(tail), "must be greater than or equal to 0"));
        }
        if limit.is_some_and(|bytes| bytes < 1) {
            wrong.push(Cause::invalid("limitBytes", &json!(limit), "must be greater than 0"));
        }
        if seconds.is_some() && time.is_some() {
            wrong.push(Cause::forbidden("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
        } else if seconds.is_some_and(|seconds| seconds < 1) {
            wrong.push(Cause::invalid("sinceSeconds", &json!(seconds), "must be greater than 0"));
        }
        // One stream alone is what an alpha feature of the server gives.
        if query.given("stream").is_some() {
            wrong.push(Cause::forbidden("stream", "may not be specified"));
        }
        if !wrong.is_empty() {
            let mut options = pods.clone();
            options.kind = "PodLogOptions".to_owned();
            return Err(ApiError::invalid(&options, name, &wrong));
        }
        let ago = |seconds| now.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN);
        Ok(Self {
            container: query.get("container").to_owned(),
            follow: query.is("follow"),
            previous: query.is("previous"),
            timestamps: query.is("timestamps"),
            tail: tail.and_then(|lines| u64::try_from(lines).ok()),
            limit: limit.and_then(|bytes| u64::try_from(bytes).ok()),
            since: time.or(seconds.map(ago)),
        })
    }

    /// The run whose log is meant; none of a Pod that is on no node yet.
    pub(crate) fn choose(&self, pod: &Value) -> Result<Option<RunId>, ApiError> {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        let container = self.container(pod, name)?;
        if pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() {
            return Ok(None);
        }
        let lists = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];
        let status =
            lists.iter().flat_map(|list| pod["status"][list].as_array().into_iter().flatten()).find(|one| one["name"] == container);
        let refuse = |what: &str| Err(ApiError::bad_request(format!("container \"{container}\" in pod \"{name}\" is {what}")));
        let Some(status) = status else { return refuse("not available") };
        let (state, last) = (&status["state"], &status["lastState"]["terminated"]);
        let id = |of: &Value| of["containerID"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
        let found = if self.previous {
            let Some(id) = id(last) else {
                let message = format!("previous terminated container \"{container}\" in pod \"{name}\" not found");
                return Err(ApiError::bad_request(message));
            };
            Some(id)
        } else if !state["running"].is_null() {
            id(status)
        } else if !state["terminated"].is_null() || !last.is_null() {
            let Some(id) = id(&state["terminated"]).or_else(|| id(last)) else { return refuse("terminated") };
            Some(id)
        } else {
            return match state["waiting"]["reason"].as_str() {
                Some("ErrImagePull") => refuse("waiting to start: image can't be pulled"),
                Some("ImagePullBackOff") => refuse("waiting to start: trying and failing to pull image"),
                Some(reason) => refuse(&format!("waiting to start: {reason}")),
                None => refuse("waiting to start - no logs yet"),
            };
        };
        Ok(found.as_deref().and_then(RunId::parse))
    }

    /// The container that is meant: it must be named where there are several.
    fn container(&self, pod: &Value, name: &str) -> Result<String, ApiError> {
        let of = |list: &str| -> Vec<&str> {
            pod["spec"][list].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str()).collect()
        };
        let all = ["initContainers", "containers", "ephemeralContainers"].map(of).concat();
        if !self.container.is_empty() {
            return match all.contains(&self.container.as_str()) {
                true => Ok(self.container.clone()),
                false => Err(ApiError::bad_request(format!("container {} is not valid for pod {name}", self.container))),
            };
        }
        match of("containers").as_slice() {
            [] => Err(ApiError::bad_request(format!("a container name must be specified for pod {name}"))),
            [one] => Ok((*one).to_owned()),
            _ => {
                let message = format!("a container name must be specified for pod {name}, choose one of: [{}]", all.join(" "));
                Err(ApiError::bad_request(message))
            }
        }
    }
}

/// A whole number among the parameters.
fn number(query: &Query, name: &str) -> Result<Option<i64>, ApiError> {
    let wrong = |text: &str| ApiError::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"));
    query.given(name).map(|text| text.parse().map_err(|_| wrong(text))).transpose()
}

fn time(text: &str) -> Result<Timestamp, ApiError> {
    let wrong =
        || ApiError::bad_request(format!("parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text:?} as \"2006\""));
    text.parse().map_err(|_| wrong())
}

/// A log that is being read.
struct Reader {
    logs: Logs,
    news: tokio::sync::watch::Receiver<u64>,
    run: RunId,
    follow: bool,
    /// The number of the next line.
    next: u64,
    form: Form,
}

/// How lines go out.
struct Form {
    timestamps: bool,
    since: Option<Timestamp>,
    /// The bytes that may still go out.
    left: u64,
}

impl Form {
    /// The lines as they go out.
    fn write(&mut self, lines: &[Line]) -> Bytes {
        let mut out = Vec::new();
        for line in lines.iter().filter(|line| self.since.is_none_or(|since| line.at >= since)) {
            if self.timestamps {
                out.extend(line.at.strftime("%Y-%m-%dT%H:%M:%S.%9fZ ").to_string().into_bytes());
            }
            out.extend(line.text.as_bytes());
            out.push(b'\n');
        }
        out.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left = self.left.saturating_sub(u64::try_from(out.len()).unwrap_or(u64::MAX));
        Bytes::from(out)
    }
}

/// The log of a run, piece by piece. It ends with what there is, or, followed, with the end of the run.
pub(crate) fn read(logs: Logs, run: RunId, options: &Options) -> BoxStream<'static, Bytes> {
    let form = Form { timestamps: options.timestamps, since: options.since, left: options.limit.unwrap_or(u64::MAX) };
    let next = options.tail.map_or(0, |lines| logs.read(&run, u64::MAX).next.saturating_sub(lines));
    let reader = Reader { news: logs.changes(), logs, run, follow: options.follow, next, form };
    stream::unfold(Some(reader), |reader| async { reader?.step().await }).boxed()
}

impl Reader {
    /// The next piece, and who reads on.
    async fn step(mut self) -> Option<(Bytes, Option<Self>)> {
        loop {
            // Marks the news as seen before reading, so that none falls between.
            self.news.borrow_and_update();
            let page = self.logs.read(&self.run, self.next);
            self.next = page.next;
            let piece = self.form.write(&page.lines);
            if page.ended || !self.follow || self.form.left == 0 {
                return Some((piece, None));
            }
            if !piece.is_empty() {
                return Some((piece, Some(self)));
            }
            self.news.changed().await.ok()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn run() -> RunId {
        RunId { pod: "u".to_owned(), container: "c".to_owned(), run: 1 }
    }

    /// Ten lines, one a second.
    fn logs() -> Logs {
        let logs = Logs::default();
        logs.begin(&run());
        for number in 0..10 {
            logs.write(&run(), second(number), format!("line {number}"));
        }
        logs
    }

    fn pods() -> Resource {
        let resources = crate::resource::Resources::new(std::iter::empty());
        Resource::clone(&resources.find("", "v1", "pods").expect("pods are served"))
    }

    fn options(query: &str) -> Result<Options, String> {
        Options::of(&Query::parse(query), &pods(), "p", second(10)).map_err(|error| error.message)
    }

    async fn text(query: &str) -> String {
        let pieces: Vec<Bytes> = read(logs(), run(), &options(query).expect("options")).collect().await;
        String::from_utf8(pieces.concat()).expect("a text")
    }

    #[tokio::test]
    async fn options_say_which_part_of_a_log_is_read() {
        assert_eq!(text("").await.lines().count(), 10);
        assert_eq!(text("tailLines=2").await, "line 8\nline 9\n");
        assert_eq!(text("tailLines=0").await, "");
        assert_eq!(text("sinceSeconds=1").await, "line 9\n");
        assert_eq!(text("sinceTime=1970-01-01T00:00:08Z").await, "line 8\nline 9\n");
        // The last lines are counted before the old ones among them fall away.
        assert_eq!(text("tailLines=1&sinceSeconds=3").await, "line 9\n");
        assert_eq!(text("limitBytes=10").await, "line 0\nlin");
        assert_eq!(text("limitBytes=30&tailLines=1&timestamps=true").await, "1970-01-01T00:00:09.000000000Z");
        assert_eq!(text("limitBytes=5&follow=true").await, "line ");
    }

    #[tokio::test]
    async fn a_followed_log_ends_with_the_run() {
        let logs = logs();
        let mut stream = read(logs.clone(), run(), &options("follow=true&tailLines=1").expect("options"));
        assert_eq!(stream.next().await.as_deref(), Some(&b"line 9\n"[..]));
        let waits = futures::poll!(stream.next());
        assert!(waits.is_pending());
        logs.write(&run(), second(11), "more".to_owned());
        assert_eq!(stream.next().await.as_deref(), Some(&b"more\n"[..]));
        logs.write(&run(), second(12), "the last".to_owned());
        logs.end(&run());
        assert_eq!(stream.next().await.as_deref(), Some(&b"the last\n"[..]));
        assert_eq!(stream.next().await, None);
        logs.forget("u");
        let gone: Vec<Bytes> = read(logs, run(), &options("follow=1").expect("options")).collect().await;
        assert_eq!(gone.concat(), b"");
    }

    #[test]
    fn what_is_asked_wrongly_is_refused_in_the_servers_words() {
        let invalid = |rest: &str| Err(format!("PodLogOptions \"p\" is invalid: {rest}"));
        assert_eq!(options("tailLines=abc"), Err("strconv.ParseInt: parsing \"abc\": invalid syntax".to_owned()));
        assert_eq!(options("tailLines=-1"), invalid("tailLines: Invalid value: -1: must be greater than or equal to 0"));
        assert_eq!(
            options("limitBytes=0&sinceSeconds=0"),
            invalid("[limitBytes: Invalid value: 0: must be greater than 0, sinceSeconds: Invalid value: 0: must be greater than 0]")
        );
        assert_eq!(
            options("sinceSeconds=1&sinceTime=2020-01-01T00:00:00Z"),
            invalid("[]: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified")
        );
        assert_eq!(options("stream=Stdout"), invalid("stream: Forbidden: may not be specified"));
        let time = "parsing time \"abc\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"abc\" as \"2006\"";
        assert_eq!(options("sinceTime=abc"), Err(time.to_owned()));
    }

    /// The run that is chosen, by its number, or the words of the refusal.
    fn chosen(query: &str, state: &Value, last: &Value) -> Result<Option<u32>, String> {
        let pod = json!({
            "metadata": {"name": "p"},
            "spec": {"nodeName": "n", "containers": [{"name": "c"}]},
            "status": {"containerStatuses": [{"name": "c", "containerID": "process://u/c/2", "state": state, "lastState": last}]},
        });
        options(query)?.choose(&pod).map(|run| run.map(|run| run.run)).map_err(|error| error.message)
    }

    #[test]
    fn the_status_says_which_run_is_meant() {
        let ended = |run: u32| json!({"terminated": {"containerID": format!("process://u/c/{run}")}});
        let waits = |reason: &str| json!({"waiting": {"reason": reason}});
        let running = json!({"running": {}});
        assert_eq!(chosen("", &running, &ended(1)), Ok(Some(2)));
        assert_eq!(chosen("previous=true", &running, &ended(1)), Ok(Some(1)));
        assert_eq!(chosen("", &ended(2), &ended(1)), Ok(Some(2)));
        assert_eq!(chosen("", &waits("CrashLoopBackOff"), &ended(1)), Ok(Some(1)));
        let in_pod = |what: &str| Err(format!("container \"c\" in pod \"p\" is {what}"));
        assert_eq!(chosen("", &waits("ErrImagePull"), &json!({})), in_pod("waiting to start: image can't be pulled"));
        assert_eq!(chosen("", &waits("ImagePullBackOff"), &json!({})), in_pod("waiting to start: trying and failing to pull image"));
        assert_eq!(chosen("", &waits("ContainerCreating"), &json!({})), in_pod("waiting to start: ContainerCreating"));
        assert_eq!(chosen("", &json!({"terminated": {}}), &json!({})), in_pod("terminated"));
        assert_eq!(
            chosen("previous=true", &running, &json!({})),
            Err("previous terminated container \"c\" in pod \"p\" not found".to_owned())
        );
    }

    #[test]
    fn of_several_containers_one_must_be_named() {
        let pod =
            json!({"metadata": {"name": "p"}, "spec": {"initContainers": [{"name": "i"}], "containers": [{"name": "a"}, {"name": "b"}]}});
        let choose = |query: &str| options(query).expect("options").choose(&pod).map_err(|error| error.message);
        assert_eq!(choose(""), Err("a container name must be specified for pod p, choose one of: [i a b]".to_owned()));
        assert_eq!(choose("container=z"), Err("container z is not valid for pod p".to_owned()));
        assert_eq!(choose("container=i"), Ok(None), "the Pod is on no node yet");
    }
}
